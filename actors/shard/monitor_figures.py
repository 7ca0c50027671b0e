"""What a shard's metrics say of the scorers it has watched. Every set of labels is bounded by the monitor's own."""

from __future__ import annotations

from actors.metrics import of_shard as families
from actors.metrics.told import Telling
from models import limits
from models.monitoring.calibration import NOTHING, Calibration
from models.monitoring.report import Drift, drifts
from models.monitoring.rolling import EVIDENCE, REST, Key
from models.monitoring.seen import Seen


def tell_monitor(telling: Telling, seen: Seen) -> None:
    telling.number(families.UNWATCHED, seen.dropped)
    for key, sums in (seen.labels or {Key(EVIDENCE, REST, REST): NOTHING}).items():
        found = Calibration.of(sums)
        telling.number(families.WINDOW_LABELS, found.rows, *key)
        telling.number(families.WINDOW_ACCEPTED, found.observed, *key)
        telling.number(families.WINDOW_PREDICTED, found.predicted, *key)
        telling.number(families.WINDOW_LOG_LOSS, found.log_loss * found.rows, *key)
    for scorer in seen.references:
        _tell_drift(telling, scorer, drifts(seen, scorer))


def _tell_drift(telling: Telling, scorer: str, found: list[Drift]) -> None:
    """Of too few rows nothing is said: their index is chance."""
    enough = [one for one in found if one.is_enough]
    overall = sorted((one for one in enough if not one.action), key=lambda one: (-one.beyond_chance, one.feature))
    for one in overall[: limits.MONITOR_FEATURES_TOLD_MAX]:
        telling.number(families.DRIFT, one.beyond_chance, scorer, one.feature)
    for one in enough:
        if one.action:
            telling.number(families.DRIFT_MOST, one.beyond_chance, scorer, one.action, one.channel)
