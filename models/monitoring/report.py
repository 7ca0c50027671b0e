"""What ``GET /v1/scorers`` says of a scorer that has been watched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models import limits
from models.monitoring.calibration import NOTHING, Calibration
from models.monitoring.features import Reference
from models.monitoring.rolling import Key, Sums, of_scorer
from models.monitoring.seen import Seen
from models.monitoring.shadows import compared
from models.monitoring.stability import BINS, has_drifted, psi
from models.scoring.manifest import CUSTOMER_PREFIXES
from models.times import format_time

#: Within one channel and action these columns tell only which it is; they are compared over all rows alone.
_WITHIN: Final = tuple(prefix for prefix in CUSTOMER_PREFIXES if prefix != "channel.")


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


def drifts(seen: Seen, scorer: str) -> list[tuple[str, str, str, float, int, bool]]:
    """(feature, action, channel, index, rows, drifted) of the most drifted feature of each action and channel, and of
    each feature over all rows, where action and channel are empty."""
    reference = seen.references.get(scorer)
    if reference is None:
        return []
    total = of_scorer(seen.spread, scorer)
    found = [] if total is None else [
        (feature, "", "", index, rows, drifted) for feature, index, rows, drifted in _indexes(total, reference)
    ]
    for key, counts in seen.spread.items():
        if key.scorer == scorer:
            within = [one for one in _indexes(counts, reference) if one[0].startswith(_WITHIN)]
            if within:
                feature, index, rows, drifted = max(within, key=lambda one: (one[3], one[1]))
                found.append((feature, key.action, key.channel, index, rows, drifted))
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
    every = sorted(drifts(seen, scorer), key=lambda one: (-one[5], -one[3], one[0], one[1], one[2]))
    overall = [one for one in every if not one[1]]
    return {
        "rows": overall[0][4] if overall else 0, "watched": len(reference.features),
        "drifted": sum(one[5] for one in overall),
        "worst": [
            {"feature": feature, "psi": round(index, 4), "drifted": drifted}
            for feature, _, _, index, _, drifted in overall[: limits.MONITOR_WORST_MAX]
        ],
        "by_action_and_channel": [
            {
                "action": action, "channel": channel, "feature": feature, "psi": round(index, 4), "rows": rows,
                "drifted": drifted,
            }
            for feature, action, channel, index, rows, drifted in every if action
        ][: limits.MONITOR_WORST_MAX],
    }


def _indexes(counts: Sums, reference: Reference) -> list[tuple[str, float, int, bool]]:
    """(feature, index, rows, drifted) of every feature."""
    table = counts.reshape(len(reference.features), BINS)
    found = psi(table, reference.expected)
    rows = table.sum(axis=1)
    return [
        (feature, float(index), int(many), has_drifted(float(index), int(many), len(histogram.shares)))
        for feature, histogram, index, many in zip(reference.features, reference.histograms, found, rows, strict=True)
    ]
