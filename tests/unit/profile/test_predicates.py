"""Features, rules and segments are recomputed only where they can have changed; the contract's view of a profile."""

from __future__ import annotations

import pytest
from unit.profile.building import DAY, EXAMPLE, FEATURES, T0, born, decided, event, item, outcome, plan

from models import limits
from models.catalog import rules as engine
from models.catalog.check import check_text
from models.profile import features, predicates
from models.profile.apply import apply
from models.profile.extract import distinct_values, numeric, to_micro
from models.profile.facts import AttributesChanged, ConsentChanged
from models.profile.state import Profile
from models.profile.views import profile_view


class Counted:
    """Sources of the rules that the engine evaluates."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sources: list[str] = []
        evaluate = engine.evaluate_or_error

        def count(rule, context):  # type: ignore[no-untyped-def]
            self.sources.append(rule.source)
            return evaluate(rule, context)

        monkeypatch.setattr(engine, "evaluate_or_error", count)

    def during(self, profile: Profile, now_ms: int) -> list[str]:
        self.sources.clear()
        predicates.standing(profile, plan(), now_ms)
        return self.sources


EVENING = "now.getMinutes() % 2 == 0"


def test_nothing_is_evaluated_twice_at_one_instant(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    profile = born()
    assert counted.during(profile, T0)
    assert counted.during(profile, T0) == []
    assert counted.during(profile.copy(), T0) == []


def test_time_alone_re_evaluates_only_what_reads_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    profile = apply(born(), event("page_view", T0), plan(), T0)
    counted.during(profile, T0)
    assert counted.during(profile, T0 + 1) == [EVENING]
    profile = apply(profile, event("basket", T0 + 1, total=80.0), plan(), T0 + 1)
    counted.during(profile, T0 + 1)
    sources = [rule.source for rule in plan().rules]
    moving = {EVENING, *(source for source in sources if "since_basket" in source or "fading" in source)}
    assert len(moving) == 3
    assert set(counted.during(profile, T0 + 2)) == moving


def test_an_event_re_evaluates_the_readers_of_its_features_and_what_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    profile = born()
    counted.during(profile, T0)
    apply(profile, event("error", T0), plan(), T0)
    assert counted.during(profile, T0) == ["profile.errors_1h >= 3"]
    for _ in range(2):
        apply(profile, event("error", T0), plan(), T0)
    found = counted.during(profile, T0)
    assert "!segments.struggling" in found
    assert all("errors_1h" in source or "struggling" in source for source in found)
    standing = predicates.standing(profile, plan(), T0)
    assert standing.segments["struggling"]


def test_a_window_edge_turns_a_segment_without_any_fact() -> None:
    profile = born()
    for _ in range(3):
        apply(profile, event("error", T0), plan(), T0)
    edge_ms = T0 + limits.HOUR_MS
    assert predicates.standing(profile, plan(), edge_ms - 1).segments["struggling"]
    assert not predicates.standing(profile, plan(), edge_ms).segments["struggling"]


def test_a_segment_may_read_an_earlier_one() -> None:
    profile = apply(born(), event("basket", T0, total=60.0), plan(), T0)
    for _ in range(2):
        apply(profile, event("page_view", T0), plan(), T0)
    assert predicates.standing(profile, plan(), T0).segments["busy"]
    assert not predicates.standing(profile, plan(), T0 + limits.HOUR_MS).segments["busy"]


def test_an_erring_rule_is_false_and_says_why() -> None:
    text = EXAMPLE.read_text().replace('"profile.spend_28d > 40.0"', '"profile.last_total > 40.0"')
    other = check_text(text)
    rule = next(rule.index for rule in other.rules if rule.source == "profile.last_total > 40.0")
    profile = born()
    standing = predicates.standing(profile, other, T0)
    assert not standing.results[rule]
    assert "last_total" in standing.errors[rule]
    apply(profile, event("basket", T0, total=50.0), other, T0)
    standing = predicates.standing(profile, other, T0)
    assert standing.results[rule]
    assert rule not in standing.errors


def test_the_callers_context_holds_what_dynamic_rules_and_weights_read() -> None:
    text = EXAMPLE.read_text().replace(
        "has(context.device) && context.device == 'mobile' ? 1.5 : 1.0", "has(context.device) ? profile.spend_28d : 2.0"
    )
    other = check_text(text)
    rule = next(rule for rule in other.rules if "spend_28d : 2.0" in rule.source)
    profile = apply(born(), event("basket", T0, total=50.0), other, T0)
    context = predicates.standing(profile, other, T0).context
    context.add_variable("context", {"device": "mobile"})
    assert engine.number(rule, context) == (50.0, "")
    apply(profile, event("basket", T0, total=25.0), other, T0)
    context = predicates.standing(profile, other, T0).context
    context.add_variable("context", {"device": "mobile"})
    assert engine.number(rule, context) == (75.0, "")


def test_another_plan_is_never_served_from_the_old_ones_cache() -> None:
    profile = apply(born(), event("basket", T0, total=50.0), plan(), T0)
    predicates.standing(profile, plan(), T0)
    changed = FEATURES.replace("field: total, window: 7d", "field: total, window: 6d")
    other = check_text(EXAMPLE.read_text().replace("\nsegments:\n", changed, 1))
    record = predicates.standing(profile, other, T0).view.record()
    assert (record["spend_7d"], record["spend_28d"]) == (0.0, 50.0)
    apply(profile, event("page_view", T0), other, T0)
    assert features.read(profile, plan(), T0).record()["spend_7d"] == 0.0


def test_a_ratio_is_absent_without_or_with_a_zero_denominator() -> None:
    profile = born()
    assert "spend_ratio" not in features.read(profile, plan(), T0).record()
    apply(profile, event("basket", T0, total=30.0), plan(), T0)
    apply(profile, event("basket", T0 + 8 * DAY, total=10.0), plan(), T0 + 8 * DAY)
    assert features.read(profile, plan(), T0 + 8 * DAY).record()["spend_ratio"] == 0.25


@pytest.mark.parametrize("value", [None, "12", True, float("nan"), float("inf"), [1], 10**19, {}])
def test_what_is_no_usable_number_leaves_the_event_out(value: object) -> None:
    assert numeric(value) is None
    profile = apply(born(), event("basket", T0, total=value), plan(), T0)
    record = features.read(profile, plan(), T0).record()
    assert (record["baskets_28d"], record["spend_28d"], record["days_since_basket"]) == (1, 0.0, 0.0)
    assert "last_total" not in record


def test_millionths_are_rounded_half_to_even_and_add_up_exactly() -> None:
    assert [to_micro(value) for value in (0.1, 41.17, 2.5e-6, 3.5e-6, -0.5e-6, 3)] == [
        100_000, 41_170_000, 2, 4, 0, 3_000_000,
    ]
    profile = born()
    for _ in range(10):
        apply(profile, event("basket", T0, total=0.1), plan(), T0)
    assert features.read(profile, plan(), T0).record()["spend_28d"] == 1.0


def test_distinct_takes_a_list_or_a_scalar_and_knows_types() -> None:
    assert len(distinct_values(["A", "B", "A", None, ["C"], {}])) == 2
    assert distinct_values("A") == distinct_values(["A"])
    assert distinct_values(1) == distinct_values(1.0) != distinct_values(True)
    assert distinct_values("1") != distinct_values(1)


def test_the_view_is_the_contracts() -> None:
    profile = apply(born(), event("basket", T0, total=60.5, departments=["DAIRY"]), plan(), T0)
    apply(profile, AttributesChanged({"household_size": 2, "employee": None}), plan(), T0)
    apply(profile, ConsentChanged({"marketing": True}), plan(), T0)
    apply(profile, decided("d1", item()), plan(), T0)
    apply(profile, decided("d2", item()), plan(), T0)
    apply(profile, outcome("d1", "impression", T0, contact="confirm"), plan(), T0)
    body = profile_view(profile, plan(), T0)
    assert list(body) == [
        "customer_id", "state_version", "attributes", "features", "segments", "consent", "contacts", "holds", "intents",
        "scores", "experiments",
    ]
    assert body["attributes"] == {"household_size": 2.0}
    assert body["state_version"] == 6
    assert body["features"]["spend_28d"] == 60.5
    assert "page_last" not in body["features"]
    assert "spender" in body["segments"]
    named = {"action": "dairy_coupon", "treatment": "dairy_hero", "channel": "web"}
    assert body["contacts"] == [{"decision_id": "d1"} | named | {"time": "2023-11-14T22:13:20Z"}]
    assert body["holds"] == [{"decision_id": "d2"} | named | {"hold_expires": "2023-11-14T22:43:20Z"}]
    assert profile_view(profile, plan(), T0 + DAY)["holds"] == []
