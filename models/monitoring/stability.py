"""How far a feature has moved: the population stability index of what is seen now against what was learnt from.

    PSI = sum over bins of (now - then) x ln(now / then)

It is the symmetrised Kullback-Leibler divergence of the two histograms (Siddiqi, Credit Risk Scorecards, 2006); the
usual reading is: below 0.1 nothing, above 0.25 a shift. Without any drift its mean over n rows is about (bins - 1) / n
(Yurdakul 2018), which is why that much is granted before a feature counts as drifted.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.scoring.manifest import Histogram

Counts = NDArray[np.int64]

#: A feature has drifted when its index exceeds this by more than chance explains, over so many rows at least.
DRIFTED_PSI: Final = 0.25
DRIFTED_ROWS: Final = 200
#: An empty bin counts as this share, so that one row in it is no infinite drift.
_SHARE_LEAST: Final = 1e-4
#: Bins of any feature: those of its values, then the one of rows without a value.
BINS: Final = limits.REFERENCE_BINS_MAX + 1


def expected_shares(reference: Histogram) -> NDArray[np.float64]:
    """float64[BINS]: the share of all rows per bin, the last one without a value; bins that it lacks are 0."""
    shares = np.zeros(BINS)
    shares[: len(reference.shares)] = np.array(reference.shares) * (1.0 - reference.missing)
    shares[-1] = reference.missing
    return shares


def binned(values: NDArray[np.float32], reference: Histogram) -> NDArray[np.intp]:
    """float32[n] -> the bin of each in [0, BINS); NaN is the last."""
    bins = np.searchsorted(np.array(reference.edges), values, side="right")
    return np.where(np.isnan(values), BINS - 1, bins)


def psi(counts: Counts, expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """int64[..., BINS] and float64[..., BINS] -> float64[...]; 0 where nothing was counted.

    Bins that are empty on both sides add nothing.
    """
    total = counts.sum(axis=-1, keepdims=True)
    now = np.maximum(counts / np.maximum(total, 1), _SHARE_LEAST)
    then = np.maximum(expected, _SHARE_LEAST)
    found: NDArray[np.float64] = np.where(total[..., 0] > 0, ((now - then) * np.log(now / then)).sum(axis=-1), 0.0)
    return found


def has_drifted(index: float, rows: int, bins: int) -> bool:
    """``bins``: of the feature's values. The stated rule of a drifted feature."""
    return rows >= DRIFTED_ROWS and index > DRIFTED_PSI + bins / rows
