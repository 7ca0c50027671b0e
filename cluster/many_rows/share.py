"""A worker's share of the rows: its numbers on the worker's own disk; in memory, 40 bytes per row, and twice
that while it is taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.scoring.booster import Part, Streamed
from models.scoring.rows import Rows, Texts
from models.scoring.splitting import Instants, split_at


@dataclass(frozen=True, slots=True)
class Share:
    """n rows, in time order; those of one instant as they came."""

    #: A folder for this share alone.
    folder: Path
    features: tuple[str, ...]
    #: Without features.
    rows: Rows
    #: intp[n]: where the numbers of each lie in the file.
    place: NDArray[np.intp]

    def numbers(self, which: NDArray[np.intp]) -> NDArray[np.float32]:
        """float32[len(which), features], of some rows."""
        if not len(which):
            return np.empty((0, len(self.features)), np.float32)
        shape = (len(self.place), len(self.features))
        found: NDArray[np.float32] = np.memmap(_file(self.folder), np.float32, "r", shape=shape)[self.place[which]]
        return found

    def part(
        self, instants: Instants, name: str, features: Sequence[str], cache: Path, *, is_alone: bool
    ) -> Streamed:
        """A part of the split with some features. ``cache``: a folder for the quantiles of a part that is too large for
        memory. ``is_alone``: no other worker has rows of it; else all of them must say weights, or none."""
        which = np.flatnonzero(split_at(instants, self.rows.time_ms, self.rows.label_time_ms).mask(name))
        is_large = len(which) * len(features) > limits.TRAINING_NUMBERS_IN_MEMORY
        is_weighted = not is_alone or not bool(np.all(self.rows.weight[which] == 1.0))
        columns = [self.features.index(feature) for feature in features]
        return Streamed(lambda: self._batches(which, columns), str(cache / name) if is_large else None, is_weighted)

    def _batches(self, which: NDArray[np.intp], columns: Sequence[int]) -> Iterator[Part]:
        if not len(which):  # growth together needs something of every worker: a row that does not count
            nothing = np.full((1, len(columns)), np.nan, np.float32)
            yield nothing, np.zeros(1, np.uint8), np.zeros(1, np.float32)
        for some in in_batches(which):
            yield np.ascontiguousarray(self.numbers(some)[:, columns]), self.rows.label[some], self.rows.weight[some]


def gathered(batches: Iterable[Rows], features: tuple[str, ...], folder: Path) -> Share:
    """A share out of rows with these features that come in batches."""
    kept: list[Rows] = []
    with _file(folder).open("wb") as file:
        for rows in batches:
            file.write(np.ascontiguousarray(rows.matrix).tobytes())
            kept.append(replace(rows, features=(), matrix=rows.matrix[:, :0].copy()))
    rows = joined(kept)
    place = np.argsort(rows.time_ms, kind="stable")
    return Share(folder, features, _at(rows, place), place)


def joined(parts: Sequence[Rows]) -> Rows:
    """Rows one after the other. At least one part."""
    channels = [part.channels for part in parts if part.channels is not None]
    return Rows(
        features=parts[0].features, time_ms=np.concatenate([part.time_ms for part in parts]),
        label_time_ms=np.concatenate([part.label_time_ms for part in parts]),
        actions=_texts([part.actions for part in parts]),
        channels=_texts(channels) if len(channels) == len(parts) else None,
        label=np.concatenate([part.label for part in parts]), weight=np.concatenate([part.weight for part in parts]),
        matrix=np.concatenate([part.matrix for part in parts]),
    )


def in_time_order(rows: Rows) -> Rows:
    """Those of one instant as they were."""
    return _at(rows, np.argsort(rows.time_ms, kind="stable"))


def in_batches(which: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    for at in range(0, len(which), limits.TRAINING_BATCH_ROWS):
        yield which[at:at + limits.TRAINING_BATCH_ROWS]


def _at(rows: Rows, order: NDArray[np.intp]) -> Rows:
    return Rows(
        rows.features, rows.time_ms[order], rows.label_time_ms[order], rows.actions[order],
        None if rows.channels is None else rows.channels[order], rows.label[order], rows.weight[order],
        rows.matrix[order],
    )


def _texts(parts: Sequence[Texts]) -> Texts:
    places: dict[str, int] = {}
    codes = [
        np.array([places.setdefault(name, len(places)) for name in part.names] or [0], np.int32)[part.codes]
        for part in parts
    ]
    return Texts(np.concatenate(codes), tuple(places))


def _file(folder: Path) -> Path:
    return folder / "numbers"
