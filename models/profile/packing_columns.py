"""Columns of integers as differences, each distinct column once."""

from __future__ import annotations

from itertools import accumulate
from operator import sub

Ints = tuple[int, ...]


class ColumnTable:
    """Collects columns while a profile is packed."""

    def __init__(self) -> None:
        self._places: dict[Ints, int] = {}
        #: First value, then differences.
        self.columns: list[list[int]] = []

    def add(self, column: Ints) -> int:
        """The column's place in the table."""
        place = self._places.get(column)
        if place is None:
            place = self._places[column] = len(self.columns)
            self.columns.append([*column[:1], *map(sub, column[1:], column)])
        return place


class Columns:
    """The table of a packed profile; every user of a column gets the same tuple."""

    def __init__(self, columns: list[list[int]]) -> None:
        self._columns = [tuple(accumulate(column)) for column in columns]

    def __getitem__(self, place: int) -> Ints:
        return self._columns[place]
