"""Rows split by time: the oldest train, the next stop the growth and weigh features, the next calibrate, the latest
judge.

A random split would flatter: behaviour drifts, and rows of one mailing share their day. So every boundary is an
instant; rows of one instant stay together, and a row whose label was not final at a boundary is not learnt from before
it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.errors import BadInput
from models.scoring.manifest import Objective
from models.scoring.rows import Mask, Rows


@dataclass(frozen=True, slots=True)
class Instants:
    """First instant of validation, calibration and test."""

    validation_ms: int
    calibration_ms: int
    test_ms: int


@dataclass(frozen=True, slots=True)
class Split:
    """Masks over rows in time order. A row whose label came too late for its part is in none of them."""

    training: Mask
    validation: Mask
    calibration: Mask
    test: Mask
    #: Everything that was final before calibration, before the test: what trees may grow on that are calibrated there.
    before_calibration: Mask
    before_test: Mask
    instants: Instants

    def mask(self, name: str) -> Mask:
        """Of a part, by the name of its field."""
        found: Mask = getattr(self, name)
        return found

    def masks(self) -> dict[str, Mask]:
        """By name, oldest first."""
        return {"training": self.training, "validation": self.validation, "calibration": self.calibration,
                "test": self.test}


def split(
    rows: Rows, holdout: float, objective: Objective = "probability", instants: Instants | None = None
) -> Split:
    """The latest ``holdout`` share tests, the latest share of what was final before it calibrates, the latest share of
    what was final before that validates, the rest trains. ``instants``: where to split, if these rows are but a sample.

    Raises ``BadInput`` when there are too few rows, or when a part that needs accepted and not accepted ones has one
    kind alone.
    """
    if not 0.0 < holdout < 0.5:
        raise BadInput(f"the holdout is {holdout}; give a share above 0 and below 0.5")
    if len(rows) < limits.TRAINING_ROWS_MIN:
        raise BadInput(f"{len(rows)} rows are too few; a scorer needs at least {limits.TRAINING_ROWS_MIN} of them")
    if objective == "probability":
        _both_kinds(rows)
    parts = split_at(instants or _instants(rows, holdout), rows.time_ms, rows.label_time_ms)
    _check(rows, parts, objective)
    return parts


def split_at(at: Instants, time_ms: NDArray[np.int64], label_time_ms: NDArray[np.int64]) -> Split:
    """The parts of rows, given the instants between them."""
    before_test = final_before(time_ms, label_time_ms, at.test_ms)
    before_calibration = final_before(time_ms, label_time_ms, at.calibration_ms)
    return Split(
        training=final_before(time_ms, label_time_ms, at.validation_ms),
        validation=before_calibration & (time_ms >= at.validation_ms),
        calibration=before_test & (time_ms >= at.calibration_ms), test=time_ms >= at.test_ms,
        before_calibration=before_calibration, before_test=before_test, instants=at,
    )


def final_before(time_ms: NDArray[np.int64], label_time_ms: NDArray[np.int64], instant: int) -> Mask:
    """Rows that were chosen, and whose labels were known, before an instant. Earlier instants give parts of these."""
    found: Mask = (time_ms < instant) & (label_time_ms <= instant)
    return found


def boundary_place(count: int, share: float) -> int:
    """Where, among ``count`` rows in time order, the latest ``share`` of them begin; their first instant is that of
    the row there. Raises ``BadInput`` when there are none."""
    if not count:
        raise BadInput("no label was final before the latest rows; collect outcomes over a longer time")
    return min(int(count * (1.0 - share)), count - 1)


def _instants(rows: Rows, holdout: float) -> Instants:
    """Each the latest such that at least ``holdout`` of the rows that were final before the next are not before it."""
    found: list[int] = []
    times = rows.time_ms
    for _ in range(3):
        instant = int(times[boundary_place(len(times), holdout)])
        found.append(instant)
        times = rows.time_ms[final_before(rows.time_ms, rows.label_time_ms, instant)]
    return Instants(*reversed(found))


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
