"""What is asked about all rows, of which every worker holds a share: where to split, how many, and a sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from cluster.many_rows.share import Share, in_batches, in_time_order, joined
from models import limits
from models.scoring.rows import Rows
from models.scoring.splitting import ALWAYS, Instants, final_before, instants_of, split_at
from models.scoring.whole import Census, counts_of

Answer = TypeVar("Answer")


class Shares(Protocol):
    """All rows, each in one share."""

    def ask(self, question: Callable[[Share], Answer]) -> list[Answer]:
        """What the question gives of each share, where the share is."""


def boundaries(shares: Shares, holdout: float) -> Instants:
    """The instants that ``models.scoring.splitting`` finds in rows at once. Raises ``BadInput`` when there are none."""
    return instants_of(_Asked(shares), holdout, "probability")


@dataclass(frozen=True, slots=True)
class _Asked:
    """``models.scoring.splitting.Known`` of rows in shares."""

    shares: Shares

    def instant(self, before_ms: int, kind: int | None, place: Callable[[int], int]) -> int | None:
        """Narrowed to a range of instants, and to a range of that, until one is left."""
        low, width, below = 0, ALWAYS, 0
        which: int | None = None
        while width > 1:
            step = -(-width // limits.TRAINING_INSTANT_RANGES)
            ask = partial(_ranges, before_ms=before_ms, kind=kind, low=low, width=width, step=step)
            counts = sum((Counter(found) for found in self.shares.ask(ask)), Counter[int]())
            if which is None:
                which = place(counts.total())
            if which < 0:
                return None
            for at, count in sorted(counts.items()):
                if below + count > which:
                    low, width = low + at * step, step
                    break
                below += count
        return low


def _ranges(share: Share, before_ms: int, kind: int | None, low: int, width: int, step: int) -> dict[int, int]:
    """Range -> how many rows (of one label, or of any) were decided in it."""
    rows = share.rows
    final = final_before(rows.time_ms, rows.label_time_ms, before_ms)
    times = rows.time_ms[final if kind is None else final & (rows.label == kind)]
    inside = times[(times >= low) & (times < low + width)]
    which, counts = np.unique((inside - low) // step, return_counts=True)
    return dict(zip(which.tolist(), counts.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class _Counted:
    rows: Counter[str]
    accepted: Counter[str]
    actions: Counter[str]
    groups: Counter[str]
    issues: Counter[str]
    ends: tuple[int, ...]


def take_census(shares: Shares, instants: Instants) -> Census:
    """Counts over all rows."""
    found = shares.ask(partial(_counted, instants=instants))
    rows, accepted, actions, groups, issues = (
        dict(sorted(sum((getattr(one, name) for one in found), Counter[str]()).items()))
        for name in ("rows", "accepted", "actions", "groups", "issues")
    )
    ends = [end for one in found for end in one.ends]
    names = found[0].rows
    return Census(
        {name: rows.get(name, 0) for name in names}, {name: accepted.get(name, 0) for name in names},
        actions, groups, issues, min(ends, default=0), max(ends, default=0),
    )


def _counted(share: Share, instants: Instants) -> _Counted:
    rows = share.rows
    parts = split_at(instants, rows.time_ms, rows.label_time_ms)
    masks = parts.counted()
    learnt = rows.time_ms[parts.before_latest]
    return _Counted(
        Counter({name: int(mask.sum()) for name, mask in masks.items()}),
        Counter({name: int((rows.label[mask] == 1).sum()) for name, mask in masks.items()}),
        Counter(rows.actions[parts.before_latest].counts()), *_places(share, np.flatnonzero(parts.before_latest)),
        (int(learnt[0]), int(learnt[-1])) if len(learnt) else (),
    )


def _places(share: Share, which: NDArray[np.intp]) -> tuple[Counter[str], Counter[str]]:
    """Rows per group and per issue, among some."""
    groups, issues = Counter[str](), Counter[str]()
    columns = [at for at, name in enumerate(share.features) if name.startswith(("group.", "issue."))]
    features = [share.features[at] for at in columns]
    for some in in_batches(which) if columns else ():
        matrix = share.numbers(some)[:, columns]
        groups.update(counts_of("group", features, matrix))
        issues.update(counts_of("issue", features, matrix))
    return groups, issues


def sample(shares: Shares, count: int, most: int = limits.TRAINING_SAMPLE_ROWS) -> Rows:
    """About ``most`` of ``count`` rows, drawn by their hashes; all of them where there are no more. In time order,
    those of one instant as they are in the shares."""
    return in_time_order(joined(shares.ask(partial(_drawn, portion=min(1.0, most / max(count, 1))))))


def _drawn(share: Share, portion: float) -> Rows:
    found = []
    # At least one batch, for what it says of columns.
    for which in in_batches(np.arange(len(share.rows))) if len(share.rows) else [np.arange(0)]:
        rows = _with_numbers(share, which)
        drawn = np.flatnonzero(row_hashes(rows) < np.uint64(portion * 2.0**64)) if portion < 1.0 else slice(None)
        found.append(_with_numbers(share, which[drawn]))
    return joined(found)


def _with_numbers(share: Share, which: NDArray[np.intp]) -> Rows:
    rows = share.rows
    return Rows(
        share.features, rows.time_ms[which], rows.label_time_ms[which], rows.actions[which],
        None if rows.channels is None else rows.channels[which], rows.label[which], rows.weight[which],
        share.numbers(which),
    )


def row_hashes(rows: Rows) -> NDArray[np.uint64]:
    """uint64[n], the same for the same row wherever it is read; spread evenly (SplitMix64's last steps)."""
    mixed = rows.time_ms.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + rows.label.astype(np.uint64)
    bits = np.ascontiguousarray(rows.matrix).view(np.uint32).astype(np.uint64)
    factors = np.arange(1, bits.shape[1] + 1, dtype=np.uint64) * np.uint64(0xD1342543DE82EF95) | np.uint64(1)
    mixed = mixed + (bits * factors).sum(axis=1, dtype=np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    found: NDArray[Any] = mixed ^ (mixed >> np.uint64(31))
    return found
