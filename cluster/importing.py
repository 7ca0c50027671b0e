"""Sending a file of history to a server: resumable, and idempotent by the file's hash and each event's position."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from actors.durable_file import replace_file
from cluster import history_file
from cluster.history_file import Page
from cluster.http_client import HttpClient

_FOLDER: Final = "imports"
#: How many rejected events are shown.
_SHOWN: Final = 10


@dataclass(slots=True)
class Progress:
    """How far a file has come, kept under the data directory after each answered page."""

    source: str
    next_position: int = 0
    applied: int = 0
    duplicate: int = 0
    rejected: int = 0
    #: The first rejected events: position and reason.
    reasons: list[dict[str, Any]] = field(default_factory=list)

    def count(self, page: Page, results: list[dict[str, Any]]) -> None:
        for place, result in enumerate(results):
            status = result.get("status")
            if status == "applied":
                self.applied += 1
            elif status == "duplicate":
                self.duplicate += 1
            else:
                self.rejected += 1
                if len(self.reasons) < _SHOWN:
                    self.reasons.append({"position": page.first_position + place, "error": result.get("error")})
        self.next_position = page.first_position + len(page.events)


def progress_of(source: str, note: Path) -> Progress:
    """What was noted for a source, or a beginning. A damaged note is as good as none: sending again is harmless."""
    try:
        return Progress(**orjson.loads(note.read_bytes()))
    except (FileNotFoundError, orjson.JSONDecodeError, TypeError):
        return Progress(source)


async def send_file(
    path: Path, client: HttpClient, data_dir: Path, on_progress: Callable[[Progress], None] = lambda _: None
) -> Progress:
    """Send what this server has not answered yet. Raises ``BadInput`` on an unreadable file, ``CallFailedError``."""
    source = history_file.source_of(path)
    note = data_dir / _FOLDER / f"{_note_name(source, client.url)}.json"
    progress = progress_of(source, note)
    on_progress(progress)
    for page in history_file.pages(path, progress.next_position):
        progress.count(page, await send_page(client, progress.source, page))
        _keep(progress, note)
        on_progress(progress)
    return progress


async def send_page(client: HttpClient, source: str, page: Page) -> list[dict[str, Any]]:
    """One call of ``POST /v1/history``; the result of each event."""
    head = orjson.dumps({"source": source, "first_position": page.first_position})
    body = head[:-1] + b',"events":[' + b",".join(page.events) + b"]}"
    answer = await client.call("POST", "/v1/history", body)
    results: list[dict[str, Any]] = answer["results"]
    return results


def _note_name(source: str, url: str) -> str:
    """One note per file and server: what one server has says nothing about another."""
    return hashlib.blake2b(f"{source} {url}".encode(), digest_size=16).hexdigest()


def _keep(progress: Progress, note: Path) -> None:
    note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    replace_file(note, orjson.dumps(asdict(progress)))
