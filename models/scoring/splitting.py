"""Rows split by time: the oldest train, the next stop the growth and weigh features, the next calibrate, the latest
judge.

A random split would flatter: behaviour drifts, and rows of one mailing share their day. So every boundary is an
instant; rows of one instant stay together, and a row whose label was not final at a boundary is not learnt from before
it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models import limits
from models.errors import BadInput
from models.scoring.manifest import Objective
from models.scoring.rows import Mask, Rows


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
    #: First instant of validation, calibration and test.
    validation_ms: int
    calibration_ms: int
    test_ms: int

    def masks(self) -> dict[str, Mask]:
        """By name, oldest first."""
        return {"training": self.training, "validation": self.validation, "calibration": self.calibration,
                "test": self.test}


def split(rows: Rows, holdout: float, objective: Objective = "probability") -> Split:
    """The latest ``holdout`` share tests, the latest share of what was final before it calibrates, the latest share of
    what was final before that validates, the rest trains.

    Raises ``BadInput`` when there are too few rows, or when a part that needs accepted and not accepted ones has one
    kind alone.
    """
    if not 0.0 < holdout < 0.5:
        raise BadInput(f"the holdout is {holdout}; give a share above 0 and below 0.5")
    if len(rows) < limits.TRAINING_ROWS_MIN:
        raise BadInput(f"{len(rows)} rows are too few; a scorer needs at least {limits.TRAINING_ROWS_MIN} of them")
    if objective == "probability":
        _both_kinds(rows)
    test_ms, before_test = _boundary(rows, np.ones(len(rows), np.bool_), holdout)
    calibration_ms, before_calibration = _boundary(rows, before_test, holdout)
    validation_ms, training = _boundary(rows, before_calibration, holdout)
    parts = Split(
        training=training, validation=before_calibration & (rows.time_ms >= validation_ms),
        calibration=before_test & (rows.time_ms >= calibration_ms), test=rows.time_ms >= test_ms,
        before_calibration=before_calibration, before_test=before_test,
        validation_ms=validation_ms, calibration_ms=calibration_ms, test_ms=test_ms,
    )
    _check(rows, parts, objective)
    return parts


def _boundary(rows: Rows, among: Mask, share: float) -> tuple[int, Mask]:
    """The latest instant such that at least ``share`` of the rows among these are not before it; those of these rows
    that were final before it."""
    times = rows.time_ms[among]
    if not len(times):
        raise BadInput("no label was final before the latest rows; collect outcomes over a longer time")
    instant = int(times[min(int(len(times) * (1.0 - share)), len(times) - 1)])
    return instant, among & (rows.time_ms < instant) & (rows.label_time_ms <= instant)


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
