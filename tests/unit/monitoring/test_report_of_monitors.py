"""What several shards have seen, as one scorer's monitor."""

from __future__ import annotations

import itertools

import numpy as np

from models.canonical import pack, unpack
from models.monitoring.calibration import label_sums
from models.monitoring.features import FeatureWindow, Reference
from models.monitoring.report import drifts, monitor
from models.monitoring.rolling import EVIDENCE, Key, Sums
from models.monitoring.seen import Seen, merged
from models.monitoring.shadows import pair_sums
from models.scoring.manifest import Histogram

HALVES = Histogram(edges=(0.5,), shares=(0.5, 0.5), missing=0.0)
REFERENCE = Reference.of(("profile.a", "channel.web"), {"profile.a": HALVES, "channel.web": HALVES})


def labels(propensity: float, accepted: int, rows: int) -> Sums:
    return label_sums([propensity] * rows, [place < accepted for place in range(rows)])


def spread(column_a: float, rows: int, channel: str = "web") -> dict[Key, Sums]:
    window = FeatureWindow()
    matrix = np.column_stack([np.full(rows, column_a), np.full(rows, float(channel == "web"))]).astype(np.float32)
    window.add(0, "s", REFERENCE, [("x", channel)] * rows, matrix)
    return window.sums.total()


PARTS = (
    Seen(1_000, 5_000, {Key("s", "x", "web"): labels(0.1, 90, 300)}, {}, spread(0.0, 200), {"s": REFERENCE}, 1, 8_000),
    Seen(2_000, 7_000, {Key("s", "x", "web"): labels(0.1, 80, 300), Key("s", "y", "web"): labels(0.2, 20, 100)},
         {Key("t", "x", "web"): pair_sums([0.3], [0.1], [True])}, spread(1.0, 200), {"s": REFERENCE}, 0, 9_000),
    Seen(None, None, {Key(EVIDENCE, "x", "web"): labels(0.5, 1, 2)}, at_ms=4_000),
)


def plain(seen: Seen) -> bytes:
    return pack({scorer: monitor(seen, scorer) for scorer in ("s", "t", EVIDENCE)})


def test_parts_give_the_same_monitor_in_any_order_and_over_the_wire() -> None:
    whole = plain(merged(PARTS))
    for order in itertools.permutations(PARTS):
        assert plain(merged([merged(order[:2]), *order[2:]])) == whole
    assert plain(merged(Seen.from_wire(unpack(pack(one.to_wire()))) for one in PARTS)) == whole


def test_a_scorer_that_promises_a_third_of_what_comes_has_drifted_and_the_worst_stands_first() -> None:
    found = monitor(merged(PARTS), "s")
    assert (found["rows"], found["observed"], found["drifted"]) == (700, 190, True)
    assert found["worst"][0] | {"action": "x", "rows": 600, "drifted": True} == found["worst"][0]
    assert found["worst"][1]["drifted"] is False
    assert (found["since"], found["age_s"]) == ("1970-01-01T00:00:01Z", 2.0)


def test_two_halves_that_drift_apart_are_none_together_and_a_channel_is_not_told_what_it_is() -> None:
    both = monitor(merged(PARTS), "s")["features"]
    of_a = next(one for one in both["worst"] if one["feature"] == "profile.a")
    assert (of_a["psi"], of_a["drifted"]) == (0.0, False)
    assert both["worst"][0]["feature"] == "channel.web"
    one = monitor(PARTS[0], "s")["features"]
    assert [entry["feature"] for entry in one["by_action_and_channel"]] == ["profile.a"]
    assert one["by_action_and_channel"][0]["drifted"]


def test_what_nobody_has_watched_has_no_drift_and_says_since_when_nobody_has() -> None:
    found = monitor(Seen(), "s")
    assert (found["rows"], found["since"], found["age_s"], found["features"], found["shadow"]) == (0, *[None] * 4)
    assert drifts(Seen(), "s") == []


def test_a_shadow_is_shown_beside_who_decided() -> None:
    found = monitor(merged(PARTS), "t")["shadow"]
    assert (found["rows"], found["predicted"], found["decided"]["predicted"]) == (1, 0.3, 0.1)
