"""How the features of what was shown are spread, by scorer, action and channel, in the bins of its manifest.

Rows are those of items that were chosen for real (no fallbacks), as the manifest's reference is of rows that were
shown. Counts are kept; the index (``models.monitoring.stability``) is taken when somebody asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.monitoring.rolling import Key, RollingSums, Sums
from models.monitoring.stability import BINS, binned, expected_shares
from models.scoring.manifest import Histogram


@dataclass(frozen=True, slots=True)
class Reference:
    """What the features of one scorer looked like when it learnt."""

    #: Those that have a histogram, in the scorer's order.
    features: tuple[str, ...]
    histograms: tuple[Histogram, ...]

    @classmethod
    def of(cls, features: Sequence[str], histograms: Mapping[str, Histogram]) -> Self:
        known = tuple(name for name in features if name in histograms)
        return cls(known, tuple(histograms[name] for name in known))

    @property
    def expected(self) -> NDArray[np.float64]:
        """float64[features, BINS]"""
        return np.array([expected_shares(one) for one in self.histograms]).reshape(len(self.features), BINS)

    def to_wire(self) -> list[Any]:
        return [[name, one.model_dump(mode="json")] for name, one in zip(self.features, self.histograms, strict=True)]

    @classmethod
    def from_wire(cls, wire: Sequence[Any]) -> Self:
        return cls(tuple(name for name, _ in wire), tuple(Histogram.model_validate(one) for _, one in wire))


@dataclass(slots=True)
class FeatureWindow:
    """Counts over the last days; int64[features x BINS] per key."""

    sums: RollingSums = field(default_factory=lambda: RollingSums(limits.MONITOR_SPREAD_KEYS_MAX))

    def add(
        self, day: int, scorer: str, reference: Reference, keys: Sequence[tuple[str, str]],
        matrix: NDArray[np.float32],
    ) -> None:
        """Rows of one scorer. ``keys``: (action, channel) of each; ``matrix``: float32[rows, features of the
        reference]."""
        if not len(keys) or not reference.features:
            return
        places = np.empty(matrix.shape, np.int64)
        for column, histogram in enumerate(reference.histograms):
            places[:, column] = binned(matrix[:, column], histogram) + column * BINS
        rows_of: dict[tuple[str, str], list[int]] = {}
        for row, key in enumerate(keys):
            rows_of.setdefault(key, []).append(row)
        width = len(reference.features) * BINS
        for (action, channel), rows in rows_of.items():
            counts: Sums = np.bincount(places[rows].ravel(), minlength=width).astype(np.int64)
            self.sums.add(day, Key(scorer, action, channel), counts)
