"""Counts by name, bounded, in such a way that it does not matter in which order, or in how many parts, they are added.

Beyond the bound the names that come first in their order are counted apart, and all others together. A name that is
among the first of everything was among the first of every part, so it was never counted with the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

#: A row's name.
Key = tuple[str, ...]
_ROWS_FIRST: Final = 16
#: How far a table grows beyond its bound before it is cut, so that it is not cut at every row.
_SLACK: Final = 1.25


class Table:
    """int64 counts: a row per name, ``width`` columns."""

    __slots__ = ("_bound", "_counts", "_rows", "others", "width")

    def __init__(self, width: int, bound: int) -> None:
        self.width = width
        self._bound = bound
        self._rows: dict[Key, int] = {}
        self._counts = np.zeros((_ROWS_FIRST, width), np.int64)
        #: What is not counted by name.
        self.others = np.zeros(width, np.int64)

    def add(self, key: Key, column: int, count: int = 1) -> None:
        self._counts_of([key])[self._rows[key], column] += count
        self._cut(self._bound * _SLACK)

    def add_rows(self, keys: Sequence[Key], counts: NDArray[np.int64]) -> None:
        """``counts``: a row per key; no key twice."""
        if keys:
            table = self._counts_of(keys)
            places = self._rows
            table[[places[key] for key in keys]] += counts
            self._cut(self._bound * _SLACK)

    def merge(self, other: Table) -> None:
        """Add all of another one of the same kind, which stays as it is."""
        if other._rows:
            self.add_rows(list(other._rows), other._counts[: len(other._rows)])
        self.others += other.others

    def items(self) -> Iterator[tuple[Key, NDArray[np.int64]]]:
        """In the order of names."""
        self._cut(self._bound)
        for key in sorted(self._rows):
            yield key, self._counts[self._rows[key]]

    def sums(self) -> NDArray[np.int64]:
        """Per column, over everything."""
        total: NDArray[np.int64] = self._counts[: len(self._rows)].sum(axis=0) + self.others
        return total

    def to_wire(self) -> list[Any]:
        """Equal for equal counts."""
        rows = list(self.items())
        block = np.array([counts for _, counts in rows], np.int64).reshape(len(rows), self.width)
        narrow = _narrowest(block)
        return [[list(key) for key, _ in rows], narrow.dtype.str, narrow.tobytes(), self.others.tolist()]

    @classmethod
    def from_wire(cls, wire: Sequence[Any], width: int, bound: int) -> Self:
        keys, kind, block, others = wire
        table = cls(width, bound)
        counts = np.frombuffer(block, np.dtype(kind)).reshape(len(keys), -1).astype(np.int64) if keys else None
        if counts is not None:
            table.add_rows([tuple(key) for key in keys], counts)
        table.others += np.array(others, np.int64)
        return table

    def _counts_of(self, keys: Iterable[Key]) -> NDArray[np.int64]:
        """The counts, with a row for each of these names."""
        rows = self._rows
        for key in keys:
            if key not in rows:
                rows[key] = len(rows)
        if len(self._rows) > len(self._counts):
            grown = np.zeros((max(len(self._rows), 2 * len(self._counts)), self.width), np.int64)
            grown[: len(self._counts)] = self._counts
            self._counts = grown
        return self._counts

    def _cut(self, bound: float) -> None:
        if len(self._rows) <= bound:
            return
        ordered = sorted(self._rows)
        kept, dropped = ordered[: self._bound], ordered[self._bound :]
        self.others += self._counts[[self._rows[key] for key in dropped]].sum(axis=0)
        counts = self._counts[[self._rows[key] for key in kept]]
        self._rows = {key: place for place, key in enumerate(kept)}
        self._counts = counts


def _narrowest(block: NDArray[np.int64]) -> NDArray[Any]:
    for kind in ("<i1", "<i2", "<i4"):
        bounds = np.iinfo(kind)
        if not block.size or (block.min() >= bounds.min and block.max() <= bounds.max):
            return block.astype(kind)
    return block.astype("<i8")
