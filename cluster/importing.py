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
from cluster.client import AsyncKairos, EventResult
from cluster.history_file import Page

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

    def count(self, page: Page, results: list[EventResult]) -> None:
        for place, result in enumerate(results):
            if result.status == "applied":
                self.applied += 1
            elif result.status == "duplicate":
                self.duplicate += 1
            else:
                self.rejected += 1
                if len(self.reasons) < _SHOWN:
                    self.reasons.append({"position": page.first_position + place, "error": result.error})
        self.next_position = page.first_position + len(page.events)


def progress_of(source: str, note: Path) -> Progress:
    """What was noted for a source, or a beginning. A damaged note is as good as none: sending again is harmless."""
    try:
        return Progress(**orjson.loads(note.read_bytes()))
    except (FileNotFoundError, orjson.JSONDecodeError, TypeError):
        return Progress(source)


async def send_file(
    path: Path, client: AsyncKairos, data_dir: Path, on_progress: Callable[[Progress], None] = lambda _: None
) -> Progress:
    """Send what this server has not answered yet. Raises ``BadInput`` on an unreadable file, ``ClientError``."""
    source = history_file.source_of(path)
    note = data_dir / _FOLDER / f"{_note_name(source, client.url)}.json"
    progress = progress_of(source, note)
    on_progress(progress)
    for page in history_file.pages(path, progress.next_position):
        progress.count(page, await client.send_history(progress.source, page.first_position, page.events))
        _keep(progress, note)
        on_progress(progress)
    return progress


def _note_name(source: str, url: str) -> str:
    """One note per file and server: what one server has says nothing about another."""
    return hashlib.blake2b(f"{source} {url}".encode(), digest_size=16).hexdigest()


def _keep(progress: Progress, note: Path) -> None:
    note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    replace_file(note, orjson.dumps(asdict(progress)))
