"""What ``GET /v1/scorers`` says of a scorer that has been watched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.monitoring.calibration import NOTHING, Calibration
from models.monitoring.features import Reference
from models.monitoring.rolling import Key, Sums, of_scorer
from models.monitoring.seen import Seen
from models.monitoring.shadows import compared
from models.monitoring.stability import BINS, DRIFTED_ROWS, has_drifted, psi
from models.scoring.manifest import CUSTOMER_PREFIXES
from models.times import format_time

#: Within one channel and action these columns tell only which it is; they are compared over all rows alone.
_WITHIN: Final = tuple(prefix for prefix in CUSTOMER_PREFIXES if prefix != "channel.")


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a feature has moved, over all rows or over those of one action and channel."""

    feature: str
    #: Both empty over all rows.
    action: str
    channel: str
    psi: float
    rows: int
    #: Of the feature's values.
    bins: int

    @property
    def is_enough(self) -> bool:
        return self.rows >= DRIFTED_ROWS

    @property
    def beyond_chance(self) -> float:
        return max(0.0, self.psi - self.bins / max(self.rows, 1))

    @property
    def has_drifted(self) -> bool:
        return has_drifted(self.psi, self.rows, self.bins)


def monitor(seen: Seen, scorer: str) -> dict[str, Any]:
    """Of the scorer's version, or ``EVIDENCE``: labels, features, and where it was a shadow the comparison."""
    own = {key: sums for key, sums in seen.labels.items() if key.scorer == scorer}
    total = of_scorer(own, scorer)
    shadow = of_scorer(seen.shadows, scorer)
    reference = seen.references.get(scorer)
    return {
        "since": None if seen.since_ms is None else format_time(seen.since_ms),
        "age_s": None if seen.newest_ms is None else round(max(0, seen.at_ms - seen.newest_ms) / 1_000, 3),
        "window_days": limits.MONITOR_DAYS,
        **Calibration.of(NOTHING if total is None else total).to_plain(),
        "worst": _worst(own),
        "features": None if reference is None else _features(seen, scorer, reference),
        "shadow": None if shadow is None else compared(shadow),
    }


def drifts(seen: Seen, scorer: str) -> list[Drift]:
    """Each feature over all rows, and of each action and channel the feature that drifted most."""
    reference = seen.references.get(scorer)
    if reference is None:
        return []
    total, expected = of_scorer(seen.spread, scorer), reference.expected
    found = [] if total is None else _indexes(total, reference, expected)
    for key, counts in seen.spread.items():
        if key.scorer == scorer:
            own = _indexes(counts, reference, expected, key.action, key.channel)
            within = [one for one in own if one.feature.startswith(_WITHIN)]
            if within:
                found.append(max(within, key=lambda one: (one.psi, one.feature)))
    return found


def _worst(own: Mapping[Key, Sums]) -> list[dict[str, Any]]:
    """The actions and channels whose calibration is farthest off, the worst first."""
    judged = [(key, Calibration.of(sums)) for key, sums in own.items()]
    judged.sort(key=lambda pair: (-pair[1].has_drifted, -pair[1].off, -pair[1].rows, pair[0]))
    return [
        {"action": key.action, "channel": key.channel, **calibration.to_plain()}
        for key, calibration in judged[: limits.MONITOR_WORST_MAX]
    ]


def _features(seen: Seen, scorer: str, reference: Reference) -> dict[str, Any]:
    every = sorted(
        drifts(seen, scorer),
        key=lambda one: (-one.has_drifted, -one.is_enough, -one.psi, one.feature, one.action, one.channel),
    )
    overall, within = [one for one in every if not one.action], [one for one in every if one.action]
    return {
        "rows": overall[0].rows if overall else 0, "watched": len(reference.features),
        "drifted": sum(one.has_drifted for one in overall),
        "worst": [
            {"feature": one.feature, "psi": round(one.psi, 4), "drifted": one.has_drifted}
            for one in overall[: limits.MONITOR_WORST_MAX]
        ],
        "by_action_and_channel": [
            {
                "action": one.action, "channel": one.channel, "feature": one.feature, "psi": round(one.psi, 4),
                "rows": one.rows, "drifted": one.has_drifted,
            }
            for one in within[: limits.MONITOR_WORST_MAX]
        ],
    }


def _indexes(
    counts: Sums, reference: Reference, expected: NDArray[np.float64], action: str = "", channel: str = "",
) -> list[Drift]:
    """Of every feature. ``expected``: the reference's."""
    table = counts.reshape(len(reference.features), BINS)
    found, rows = psi(table, expected), int(table[0].sum())
    return [
        Drift(feature, action, channel, float(index), rows, len(histogram.shares))
        for feature, histogram, index in zip(reference.features, reference.histograms, found, strict=True)
    ]
