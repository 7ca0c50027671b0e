"""Answers of the API that are kept under their ETags, so that an unchanged one is not sent and decoded again.

They may name customers, so they stay no longer than somebody looks: what was not asked for again within half a minute
goes with the next question, and what a key was told goes with its session.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from models import limits

#: Whose key (its digest), and the path with its query.
Place = tuple[str, str]


@dataclass(slots=True)
class Kept:
    etag: str
    data: Any
    size: int
    #: When it was last asked for, by the clock of ``KeptAnswers``.
    used_s: float


class KeptAnswers:
    """Bounded in number, bytes and age; the least recently used go first. ``clock``: seconds that only rise."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock: Final = clock
        self._kept: Final[OrderedDict[Place, Kept]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, place: Place) -> Kept | None:
        self._sweep()
        found = self._kept.get(place)
        if found is not None:
            found.used_s = self._clock()
            self._kept.move_to_end(place)
        return found

    def keep(self, place: Place, etag: str, data: Any, size: int) -> None:
        """Nothing is kept that is larger than one answer may be."""
        self._drop(place)
        if size <= limits.CONSOLE_ANSWER_BYTES_KEPT_MAX:
            self._kept[place] = Kept(etag, data, size, self._clock())
            self._bytes += size
        self._sweep()

    def forget(self, whose: str) -> None:
        """All that was told to one key."""
        for place in [place for place in self._kept if place[0] == whose]:
            self._drop(place)

    def _sweep(self) -> None:
        oldest_s = self._clock() - limits.CONSOLE_ANSWER_KEPT_MS / limits.SECOND_MS
        while self._kept:
            place, first = next(iter(self._kept.items()))
            full = len(self._kept) > limits.CONSOLE_ANSWERS_KEPT_MAX or self._bytes > limits.CONSOLE_ANSWERS_BYTES_MAX
            if not full and first.used_s > oldest_s:
                return
            self._drop(place)

    def _drop(self, place: Place) -> None:
        gone = self._kept.pop(place, None)
        if gone is not None:
            self._bytes -= gone.size
