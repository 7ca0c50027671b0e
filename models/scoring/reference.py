"""How features were spread over the rows that trees grew on, for the watch over drift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.scoring.manifest import Histogram

_DIGITS: Final = 6


def references(features: Sequence[str], matrix: NDArray[np.float32]) -> dict[str, Histogram]:
    """A histogram per feature. ``matrix``: float32[n, features], n > 0; of many rows evenly spaced ones are read."""
    rows = matrix[:: -(-len(matrix) // limits.REFERENCE_ROWS_MAX)]
    return {name: histogram(rows[:, column]) for column, name in enumerate(features)}


def histogram(values: NDArray[np.float32]) -> Histogram:
    """At most ``limits.REFERENCE_BINS_MAX`` bins of about equally many values; fewer where values repeat."""
    known = np.sort(values[~np.isnan(values)])
    missing = round(1.0 - len(known) / len(values), _DIGITS)
    if not len(known):
        return Histogram(edges=(), shares=(0.0,), missing=missing)
    cuts = [len(known) * one // limits.REFERENCE_BINS_MAX for one in range(1, limits.REFERENCE_BINS_MAX)]
    edges = np.unique(known[cuts])
    edges = edges[edges > known[0]]
    counts = np.diff([0, *np.searchsorted(known, edges, side="left"), len(known)])
    shares = (counts / len(known)).tolist()
    return Histogram(
        edges=tuple(edges.astype(np.float64).tolist()), shares=tuple(round(share, _DIGITS) for share in shares),
        missing=missing,
    )
