"""Denials of an embedded installation: ``<data-dir>/audit/<chain>.jsonl``, and each chain's head in ``audit/heads``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from actors.access.denials.record import Entry, Head
from actors.durable_file import replace_file, sync_folder
from models.errors import BadInput

AUDIT_FOLDER: Final = "audit"
_HEADS: Final = "heads"
_SUFFIX: Final = ".jsonl"


class FileDenials:
    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / AUDIT_FOLDER
        self._heads = self._folder / _HEADS
        #: How far this process has written each of its chains, in bytes: what a failed write left behind is cut off.
        self._written: dict[str, int] = {}

    def append(self, chain: str, entries: Sequence[Entry]) -> None:
        self._heads.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / (chain + _SUFFIX)
        lines = b"".join(_line(entry) for entry in entries)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            start = self._written.get(chain)
            if start is None:
                start = _end_before(path, entries[0].seq)
                sync_folder(self._folder)
            file.seek(start)
            file.truncate()
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
        self._written[chain] = start + len(lines)
        last = entries[-1]
        replace_file(self._heads / chain, json.dumps([last.seq, last.hash]).encode())

    def chains(self) -> list[str]:
        names = {path.name.removesuffix(_SUFFIX) for path in self._folder.glob("*" + _SUFFIX)}
        if self._heads.is_dir():
            names |= {path.name for path in self._heads.iterdir() if not path.name.startswith(".")}
        return sorted(names)

    def entries(self, chain: str) -> Iterator[Entry]:
        path = self._folder / (chain + _SUFFIX)
        if not path.exists():
            return
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield _entry(line)
                except (ValueError, TypeError) as error:
                    raise BadInput(f"{path}, line {number} is no entry") from error

    def head(self, chain: str) -> Head | None:
        path = self._heads / chain
        try:
            seq, digest = json.loads(path.read_bytes())
            return Head(int(seq), str(digest))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise BadInput(f"{path} is no head of a chain") from error

    def close(self) -> None:
        """Nothing is held."""


def _line(entry: Entry) -> bytes:
    return json.dumps([entry.seq, entry.hash, entry.text]).encode() + b"\n"


def _entry(line: bytes) -> Entry:
    seq, digest, text = json.loads(line)
    if type(seq) is not int or type(digest) is not str or type(text) is not str:
        raise TypeError("another shape")
    return Entry(seq, text, digest)


def _end_before(path: Path, seq: int) -> int:
    """Where the entry with that number begins or is to begin: so a repeated append writes the same place."""
    end = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n") or _entry(line).seq >= seq:
                break
            end += len(line)
    return end
