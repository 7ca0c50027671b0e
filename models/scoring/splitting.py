"""Rows split by time: the oldest train, the next stop the growth and weigh features, the next calibrate, the latest
judge.

A calibration gets only as many rows as it needs, the latest that were final: those with
``limits.CALIBRATION_SLICE_KIND_ROWS`` of either kind (of numbers: rows), and never more than the holdout's share. Under
drift the latest rows are worth more to the trees than to a curve that has enough.

A random split would flatter: behaviour drifts, and rows of one mailing share their day. So every boundary is an
instant; rows of one instant stay together, and a row whose label was not final at a boundary is not learnt from before
it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.errors import BadInput
from models.scoring.manifest import Objective
from models.scoring.rows import Mask, Rows

#: Later than every row.
ALWAYS: Final = limits.ROW_TIME_MS_MAX + 1


@dataclass(frozen=True, slots=True)
class Instants:
    """First instant of validation, calibration, test, and of the latest rows, which calibrate what is shipped."""

    validation_ms: int
    calibration_ms: int
    test_ms: int
    latest_ms: int


@dataclass(frozen=True, slots=True)
class Split:
    """Masks over rows in time order. A row whose label came too late for its part is in none of them."""

    training: Mask
    validation: Mask
    calibration: Mask
    test: Mask
    #: The end of the test, or all of it.
    latest: Mask
    #: Everything final before calibration, before the latest: what trees may grow on that are calibrated there.
    before_calibration: Mask
    before_latest: Mask
    instants: Instants

    def mask(self, name: str) -> Mask:
        """Of a part, by the name of its field."""
        found: Mask = getattr(self, name)
        return found

    def masks(self) -> dict[str, Mask]:
        """By name, oldest first."""
        return {"training": self.training, "validation": self.validation, "calibration": self.calibration,
                "test": self.test}

    def counted(self) -> dict[str, Mask]:
        """The masks whose rows a manifest counts: the parts, what calibrated and what grew the shipped trees, all."""
        return {**self.masks(), "latest": self.latest, "grown": self.before_latest, "all": np.ones_like(self.test)}


def split(
    rows: Rows, holdout: float, objective: Objective = "probability", instants: Instants | None = None
) -> Split:
    """The latest ``holdout`` share tests, the latest rows that were final before it calibrate, the latest ``holdout``
    share of what was final before that validates, the rest trains. ``instants``: where to split, if these rows are but
    a sample.

    Raises ``BadInput`` when there are too few rows, or when a part that needs accepted and not accepted ones has one
    kind alone.
    """
    if not 0.0 < holdout < 0.5:
        raise BadInput(f"the holdout is {holdout}; give a share above 0 and below 0.5")
    if len(rows) < limits.TRAINING_ROWS_MIN:
        raise BadInput(f"{len(rows)} rows are too few; a scorer needs at least {limits.TRAINING_ROWS_MIN} of them")
    if objective == "probability":
        _both_kinds(rows)
    parts = split_at(instants or instants_of(_Held(rows), holdout, objective), rows.time_ms, rows.label_time_ms)
    _check(rows, parts, objective)
    return parts


def split_at(at: Instants, time_ms: NDArray[np.int64], label_time_ms: NDArray[np.int64]) -> Split:
    """The parts of rows, given the instants between them."""
    before_calibration = final_before(time_ms, label_time_ms, at.calibration_ms)
    return Split(
        training=final_before(time_ms, label_time_ms, at.validation_ms),
        validation=before_calibration & (time_ms >= at.validation_ms),
        calibration=final_before(time_ms, label_time_ms, at.test_ms) & (time_ms >= at.calibration_ms),
        test=time_ms >= at.test_ms, latest=time_ms >= at.latest_ms, before_calibration=before_calibration,
        before_latest=final_before(time_ms, label_time_ms, at.latest_ms), instants=at,
    )


def final_before(time_ms: NDArray[np.int64], label_time_ms: NDArray[np.int64], instant: int) -> Mask:
    """Rows that were chosen, and whose labels were known, before an instant. Earlier instants give parts of these."""
    found: Mask = (time_ms < instant) & (label_time_ms <= instant)
    return found


def boundary_place(count: int, share: float) -> int:
    """Where, among ``count`` rows in time order, the latest ``share`` of them begin; their first instant is that of
    the row there. Raises ``BadInput`` when there are none."""
    if not count:
        raise BadInput(
            "no label was final before the latest rows (a label is final when its action's response window, "
            "accept.within, has ended): collect outcomes for longer than the longest window, or lower --holdout"
        )
    return min(int(count * (1.0 - share)), count - 1)


class Known(Protocol):
    """What is asked of all rows to find where to split them."""

    def instant(self, before_ms: int, kind: int | None, place: Callable[[int], int]) -> int | None:
        """The instant of one row, in time order, of those that were final before an instant, of one label (None: of
        any). ``place``: their number -> which; below 0 there is none."""


def instants_of(known: Known, holdout: float, objective: Objective) -> Instants:
    """Raises ``BadInput`` when there are too few."""
    def share(before_ms: int) -> int:
        """The latest such that at least ``holdout`` of the rows are not before it."""
        found = known.instant(before_ms, None, lambda count: boundary_place(count, holdout))
        assert found is not None  # a boundary's place is one
        return found

    def latest(before_ms: int) -> int:
        """Where the rows begin that calibrate."""
        wanted = limits.CALIBRATION_SLICE_KIND_ROWS
        kinds = (None,) if objective == "number" else (0, 1)
        enough = [known.instant(before_ms, kind, lambda count: count - wanted) for kind in kinds]
        return max(share(before_ms), min(0 if instant is None else instant for instant in enough))

    test_ms = share(ALWAYS)
    calibration_ms = latest(test_ms)
    return Instants(share(calibration_ms), calibration_ms, test_ms, latest(ALWAYS))


@dataclass(frozen=True, slots=True)
class _Held:
    """Rows that are all there are."""

    rows: Rows

    def instant(self, before_ms: int, kind: int | None, place: Callable[[int], int]) -> int | None:
        rows = self.rows
        mask = final_before(rows.time_ms, rows.label_time_ms, before_ms)
        times = rows.time_ms[mask if kind is None else mask & (rows.label == kind)]
        which = place(len(times))
        return int(times[which]) if which >= 0 else None


def _both_kinds(rows: Rows) -> None:
    positives = int((rows.label == 1).sum())
    if positives in (0, len(rows)):
        kind = "accepted" if positives else "not accepted"
        raise BadInput(f"every one of the {len(rows)} rows was {kind}; nothing can be learnt from one class")


def _check(rows: Rows, parts: Split, objective: Objective) -> None:
    for name, mask in parts.masks().items():
        count = int(mask.sum())
        if not rows.weight[mask].any():
            raise BadInput(
                f"split by time, the {name} part has no rows (of a weight above 0), since labels came late or all rows "
                "are of one time: collect outcomes over a longer time, or change --holdout"
            )
        positives = int((rows.label[mask] == 1).sum())
        if objective == "probability" and name != "calibration" and positives in (0, count):
            raise BadInput(
                f"split by time, the {name} part has {count} rows of which {positives} were accepted; it needs both "
                "kinds: collect outcomes over a longer time, or change --holdout"
            )
