"""Fits a calibration to scores and what really happened, on rows that the trees have not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.scoring import metrics
from models.scoring.calibration import Calibration, log_odds, sigmoid

Numbers = NDArray[np.float64]

#: How far the ends of an isotonic curve go on rising where no more was seen: enough to keep the order of scores.
_RISE: Final = 1e-3
_NEWTON_STEPS: Final = 100
_RIDGE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Fit:
    calibration: Calibration
    #: Kind -> log loss on the later half of the rows when fitted to the earlier half; empty when there was no choice.
    compared: dict[str, float]


def calibrate(score: NDArray[np.float32], label: NDArray[np.uint8], weight: NDArray[np.float32]) -> Fit:
    """The calibration of these rows (oldest first), of the kind that did best on their later half.

    An isotonic curve is considered when enough rows were accepted and enough were not; Platt's always; none wins only
    when neither brings the log loss down. Fitted then to all rows.
    """
    if not _enough(label, limits.CALIBRATION_ROWS_MIN):
        return Fit(Calibration(), {})
    half = len(label) // 2
    early, late = slice(None, half), slice(half, None)
    kinds = {"platt": platt}
    if _enough(label, limits.CALIBRATION_ISOTONIC_ROWS_MIN):
        kinds["isotonic"] = isotonic
    compared = {"none": metrics.log_loss(label[late], score[late], weight[late])}
    for kind, fitted in kinds.items():
        found = fitted(score[early], label[early], weight[early])
        if found is not None:
            compared[kind] = metrics.log_loss(label[late], found.apply(score[late]), weight[late])
    best = min(compared, key=compared.__getitem__)
    calibration = Calibration() if best == "none" else kinds[best](score, label, weight) or Calibration()
    return Fit(calibration, compared)


def platt(
    score: NDArray[np.float32], label: NDArray[np.uint8], weight: NDArray[np.float32]
) -> Calibration | None:
    """A sigmoid over the log-odds of scores (Platt 1999), by Newton's method (Lin, Lin and Weng 2007) on Platt's
    targets, which keep the slope finite. None when the slope is not above 0: such scores tell nothing."""
    z = log_odds(score)
    yes, no = float(weight[label == 1].sum()), float(weight[label == 0].sum())
    target = np.where(label == 1, (yes + 1.0) / (yes + 2.0), 1.0 / (no + 2.0))
    columns = np.stack([z, np.ones_like(z)])
    at = np.array([1.0, 0.0])
    loss = _loss(at, columns, target, weight)
    for _ in range(_NEWTON_STEPS):
        chance = sigmoid(at @ columns)
        gradient = columns @ (weight * (chance - target))
        curvature = (columns * (weight * chance * (1.0 - chance))) @ columns.T + _RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while size > _RIDGE and _loss(at - size * step, columns, target, weight) > loss:
            size /= 2.0
        at = at - size * step
        before, loss = loss, _loss(at, columns, target, weight)
        if before - loss <= _RIDGE * (1.0 + abs(loss)):
            break
    return Calibration(kind="platt", x=(float(at[0]),), y=(float(at[1]),)) if at[0] > 0 else None


def isotonic(
    score: NDArray[np.float32], label: NDArray[np.uint8], weight: NDArray[np.float32]
) -> Calibration | None:
    """Pooled blocks joined by straight lines between their centres (Oron and Flournoy 2017), so that the order of
    scores is kept. One row of the mean at either end keeps chances off 0 and 1; beyond the outer centres the curve is
    nearly flat. None without rows of both kinds."""
    if len(np.unique(label[weight > 0])) < 2:
        return None
    x, y, w = _groups(score, label, weight)
    mean = float(w @ y / w.sum())
    for end in (0, -1):
        y[end], w[end] = (w[end] * y[end] + mean) / (w[end] + 1.0), w[end] + 1.0
    starts = pooled(y, w)
    block = np.add.reduceat(w, starts)
    centre, height = np.add.reduceat(w * x, starts) / block, np.add.reduceat(w * y, starts) / block
    points = [(float(centre[0]), float(height[0]))]
    for point in zip(centre.tolist()[1:], height.tolist()[1:], strict=True):
        if point[0] > points[-1][0] and point[1] > points[-1][1]:  # else rounding made them one
            points.append(point)
    if points[0][0] > 0.0:
        points.insert(0, (0.0, points[0][1] * (1.0 - _RISE)))
    if points[-1][0] < 1.0:
        points.append((1.0, 1.0 - (1.0 - points[-1][1]) * (1.0 - _RISE)))
    return Calibration(kind="isotonic", x=tuple(x for x, _ in points), y=tuple(y for _, y in points))


def pooled(value: Numbers, weight: Numbers) -> list[int]:
    """Where the blocks of the best rising fit begin: pool adjacent violators (Ayer et al. 1955), in linear time.

    The fit is the weighted mean of each block; it rises from block to block.
    """
    starts: list[int] = []
    sums: list[tuple[float, float]] = []
    for place, (one, by) in enumerate(zip(value.tolist(), weight.tolist(), strict=True)):
        start, total, mass = place, one * by, by
        while sums and sums[-1][0] * mass >= total * sums[-1][1]:
            start = starts.pop()
            before, before_mass = sums.pop()
            total, mass = total + before, mass + before_mass
        starts.append(start)
        sums.append((total, mass))
    return starts


def _groups(
    score: NDArray[np.float32], label: NDArray[np.uint8], weight: NDArray[np.float32]
) -> tuple[Numbers, Numbers, Numbers]:
    """(mean score, mean label, weight) of groups of neighbouring scores, about equally heavy; equal scores together."""
    told = weight > 0
    distinct, at = np.unique(score[told], return_inverse=True)
    w = np.bincount(at, weight[told])
    yes = np.bincount(at, weight[told] * label[told])
    upto = np.cumsum(w)
    groups = limits.CALIBRATION_POINTS_MAX - 2
    group = np.minimum((upto - w / 2.0) / upto[-1] * groups, groups - 1).astype(np.int64)
    _, starts = np.unique(group, return_index=True)
    mass = np.add.reduceat(w, starts)
    x = np.add.reduceat(w * distinct.astype(np.float64), starts) / mass
    return x, np.add.reduceat(yes, starts) / mass, mass


def _loss(at: Numbers, columns: Numbers, target: Numbers, weight: NDArray[np.float32]) -> float:
    margin = at @ columns
    return float(weight @ (np.logaddexp(0.0, margin) - target * margin))


def _enough(label: NDArray[np.uint8], count: int) -> bool:
    yes = int((label == 1).sum())
    return min(yes, len(label) - yes) >= count
