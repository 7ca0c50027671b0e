"""Every answer of a run by itself, for who must know when it came and which scorer decided."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_VERSION = re.compile(rb'"scorer_version":"([^"]*)"')
_DEGRADED = b'"degraded":true'


@dataclass(frozen=True, slots=True)
class Answered:
    """``since`` and ``at``: seconds of ``time.perf_counter``, which all processes of a Linux machine share."""

    since: float
    at: float
    status: int
    degraded: bool
    #: None: evidence alone decided.
    version: str | None


class Trace:
    """Gathers in memory while the load runs."""

    def __init__(self, file: str) -> None:
        self._file = Path(file)
        self._lines: list[tuple[Any, ...]] = []

    def answered(self, since: float, at: float, status: int, raw: bytes) -> None:
        found = _VERSION.search(raw)
        self._lines.append((since, at, status, _DEGRADED in raw, found[1].decode() if found else None))

    def write(self) -> None:
        with self._file.open("w") as file:
            file.writelines(json.dumps(line) + "\n" for line in self._lines)


def read(file: Path) -> Iterator[Answered]:
    """What a run has written, in the order of the answers."""
    with file.open() as lines:
        for line in lines:
            yield Answered(*json.loads(line))
