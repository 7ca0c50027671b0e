"""What a shard's metrics tell of the scorers that it has watched."""

from __future__ import annotations

import numpy as np

from actors.metrics import of_shard as families
from actors.metrics.told import Telling, Told
from actors.shard.monitor_figures import tell_monitor
from models import limits
from models.monitoring.calibration import label_sums
from models.monitoring.features import FeatureWindow, Reference
from models.monitoring.rolling import Key
from models.monitoring.seen import Seen
from models.monitoring.stability import DRIFTED_ROWS
from models.scoring.manifest import Histogram

HALVES = Histogram(edges=(0.5,), shares=(0.5, 0.5), missing=0.0)
MANY = tuple(f"profile.f{number:02}" for number in range(limits.MONITOR_FEATURES_TOLD_MAX + 5))


def told(seen: Seen) -> Told:
    telling = Telling()
    tell_monitor(telling, seen)
    return telling.told


def spread(rows: int) -> Seen:
    """Every feature stands on one side; the reference has halves."""
    reference = Reference.of(MANY, dict.fromkeys(MANY, HALVES))
    window = FeatureWindow()
    window.add(0, "s", reference, [("a", "web")] * rows, np.ones((rows, len(MANY)), np.float32))
    return Seen(spread=window.sums.total(), references={"s": reference})


def test_sums_are_told_so_that_those_of_all_shards_can_be_divided() -> None:
    found = told(Seen(labels={Key("s", "a", "web"): label_sums([0.5, 0.25], [True, False])}, dropped=3))
    assert found[families.WINDOW_LABELS.name] == [[["s", "a", "web"], 2]]
    assert found[families.WINDOW_ACCEPTED.name] == [[["s", "a", "web"], 1]]
    assert found[families.WINDOW_PREDICTED.name] == [[["s", "a", "web"], 0.75]]
    assert found[families.UNWATCHED.name] == [[[], 3]]


def test_of_too_few_rows_no_drift_is_told() -> None:
    assert families.DRIFT.name not in told(spread(DRIFTED_ROWS - 1))


def test_drift_is_told_of_a_bounded_number_of_features() -> None:
    found = told(spread(DRIFTED_ROWS))
    assert len(found[families.DRIFT.name]) == limits.MONITOR_FEATURES_TOLD_MAX
    assert all(labels[0] == "s" and value > 0.25 for labels, value in found[families.DRIFT.name])
    assert [labels for labels, _ in found[families.DRIFT_MOST.name]] == [["s", "a", "web"]]
