"""The funnel: vectorised masks against rules judged one by one, and the gates of channel and request."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.arbitration.control import control_group
from models.arbitration.preparation import GATES
from models.catalog import rules
from models.profile import predicates
from models.times import local_datetime, parse_time_ms

RULES = (
    None, "true", "false", "profile.age > 30.0", "has(profile.age)", "profile.vip", "context.n > 2",
    "now.getHours() < 12", "event.type == 'view'", "1 / 0 == 1", "segments.old && context.n == 1", "'not a bool'",
    "size(world) == 0",
)
rule = st.sampled_from(RULES)


def action(number: int, chosen: dict[str, str | None]) -> dict[str, Any]:
    when = chosen.pop("when")
    treatment = {"id": f"t{number}", "placement": "top", "content": {}, **({"when": when} if when else {})}
    gates = {gate: source for gate, source in chosen.items() if source}
    return {"id": f"a{number}", "treatments": [treatment], **gates}


ACTIONS = st.lists(
    st.fixed_dictionaries({"eligibility": rule, "applicability": rule, "suitability": rule, "when": rule}),
    min_size=1, max_size=8,
).map(lambda found: [action(number, dict(one)) for number, one in enumerate(found)])


@given(
    ACTIONS, st.sampled_from([None, 20.0, 40.0]), st.sampled_from([None, True, False]), st.integers(0, 4),
    st.booleans(), st.booleans(),
)
def test_masks_equal_rules_judged_one_by_one(
    make_plan: Any, scene_of: Any, actions: list[dict[str, Any]], age: float | None, vip: bool | None, n: int,
    viewed: bool, evening: bool,
) -> None:
    plan = make_plan(
        actions, attributes=[{"id": "age", "type": "number"}, {"id": "vip", "type": "bool"}],
        segments=[{"id": "old", "when": "has(profile.age) && profile.age > 30.0"}],
    )
    scene = scene_of(plan, parse_time_ms("2026-03-05T20:00:00Z" if evening else "2026-03-05T08:00:00Z"))
    scene.profile.attributes = {k: v for k, v in (("age", age), ("vip", vip)) if v is not None}
    event = {"type": "view", "properties": {}} if viewed else None
    prepared = scene.prepare("web", {"top": 1}, context={"n": n}, event=event)
    context = rules.rule_context()
    context.update({
        "profile": dict(scene.profile.attributes), "segments": {"old": age == 40.0}, "context": {"n": n},
        "event": event or {}, "world": {}, "now": local_datetime(scene.now_ms, plan.zone),
    })
    by_source = {one.source: one for one in plan.rules}

    def holds(source: str | None) -> bool:
        return source is None or rules.evaluate(by_source[source], context)

    alive = dict.fromkeys(range(len(actions)), True)
    for gate in ("eligibility", "applicability", "suitability", "treatment"):
        for number, one in enumerate(actions):
            source = one["treatments"][0].get("when") if gate == "treatment" else one.get(gate)
            alive[number] = alive[number] and holds(source)
        assert prepared.remaining[gate].tolist() == list(alive.values()), gate


@given(ACTIONS, st.integers(0, 4), st.integers(1, 5))
def test_every_candidate_appears_once_and_the_funnel_adds_up(
    make_plan: Any, scene_of: Any, actions: list[dict[str, Any]], n: int, count: int
) -> None:
    scene = scene_of(make_plan(
        actions, attributes=[{"id": "age", "type": "number"}, {"id": "vip", "type": "bool"}],
        segments=[{"id": "old", "when": "has(profile.age)"}],
        contact_policies=[{"id": "two", "limit": 2, "window": "1d"}],
    ))
    chosen = scene.shown("web", {"top": count}, context={"n": n})
    found = scene.explain()
    assert [entry["action"] for entry in found["candidates"]] == [one["id"] for one in actions]
    assert tuple(found["funnel"]) == GATES
    counts = list(found["funnel"].values())
    assert counts == sorted(counts, reverse=True)
    removed = [entry.get("removed_by") for entry in found["candidates"]]
    for before, gate in pairwise(GATES[:-1]):
        assert found["funnel"][before] - found["funnel"][gate] == removed.count(gate), gate
    assert found["funnel"]["ranked"] - found["funnel"]["chosen"] == removed.count("not_chosen")
    assert {entry["action"] for entry in found["candidates"] if "rank" in entry} == set(chosen)


@pytest.mark.parametrize(
    ("local", "quiet"),
    [("20:59:59", False), ("21:00:00", True), ("02:00:00", True), ("07:59:59", True), ("08:00:00", False)],
)
def test_quiet_hours_run_over_midnight_on_the_local_clock(scene: Any, local: str, quiet: bool) -> None:
    scene.now_ms = parse_time_ms(f"2026-03-05T{local}-05:00")
    scene.profile.consent["marketing"] = True
    remaining = scene.prepare("email", {"email_body": 1}).remaining
    assert remaining["quiet_hours"].any() == (not quiet and remaining["consent"].any())
    assert scene.prepare("web", {"home_strip": 1}).remaining["quiet_hours"].any()


def test_a_channel_that_needs_consent_stays_silent_without_it(make_plan: Any, scene_of: Any) -> None:
    plan = make_plan([{"id": "a", "treatments": [{"id": "t", "placement": "mail", "content": {}}]}],
        channels=[{"id": "post", "direction": "outbound", "consent": "marketing"}],
        placements=[{"id": "mail", "channel": "post"}],
    )
    scene = scene_of(plan)
    assert scene.shown("post", {"mail": 1}) == []
    assert scene.why("a")["removed_by"] == "consent"
    scene.profile.consent["marketing"] = True
    assert scene.shown("post", {"mail": 1}) == ["a"]
    scene.profile.consent["marketing"] = False
    assert scene.shown("post", {"mail": 1}) == []


def test_what_the_request_excludes_is_not_shown_and_unknown_ids_are_ignored(scene: Any) -> None:
    assert scene.shown("web", {"home_strip": 1}, exclude=["ask_feedback", "nothing"]) == []
    assert scene.why("ask_feedback")["removed_by"] == "request"


@pytest.mark.parametrize(
    ("at", "shown"),
    [("2026-01-01T00:00:00Z", ["a"]), ("2025-12-31T23:59:59.999Z", []), ("2027-01-01T00:00:00Z", [])],
)
def test_an_action_is_valid_from_its_first_instant_to_before_its_last(
    make_plan: Any, scene_of: Any, at: str, shown: list[str]
) -> None:
    valid = {"from": "2026-01-01T00:00:00Z", "until": "2027-01-01T00:00:00Z"}
    plan = make_plan([{"id": "a", "valid": valid, "treatments": [{"id": "t", "placement": "top", "content": {}}]}])
    scene = scene_of(plan, parse_time_ms(at))
    assert scene.shown("web", {"top": 1}) == shown
    assert shown or scene.why("a")["removed_by"] == "valid"


def control(share: float, rotate: str = "month") -> dict[str, Any]:
    return {"exploration": {"method": "none"}, "control_group": {"id": "held", "share": share, "rotate": rotate}}


def test_a_held_out_customer_gets_mandatory_actions_and_fallbacks_only(make_plan: Any, scene_of: Any) -> None:
    def shows(name: str) -> dict[str, Any]:
        return {"id": name, "treatments": [{"id": f"{name}_top", "placement": "top", "content": {}}]}

    placements = [{"id": "top", "channel": "web", "count_max": 3, "fallback": ["brand_top"]}]
    scene = scene_of(make_plan(
        [shows("a"), {**shows("must"), "mandatory": True}, {**shows("brand"), "fallback": True}],
        placements=placements, arbitration=control(1.0),
    ))
    assert scene.shown("web", {"top": 3}) == ["must", "brand"]
    assert scene.verdict.body["control_group"] == "held"
    assert scene.why("a")["removed_by"] == "control_group"


def test_the_control_group_has_its_share_and_moves_with_the_month(make_plan: Any) -> None:
    actions = [{"id": "a", "treatments": [{"id": "t", "placement": "top", "content": {}}]}]
    march, april = parse_time_ms("2026-03-05T00:00:00Z"), parse_time_ms("2026-04-05T00:00:00Z")
    keys = [str(number) for number in range(4_000)]

    def held(rotate: str, at_ms: int) -> set[str]:
        plan = make_plan(actions, arbitration=control(0.25, rotate))
        return {key for key in keys if control_group(plan, key, at_ms)}

    assert 900 < len(held("month", march)) < 1_100
    assert held("month", march) == held("month", march + 86_400_000)
    assert held("month", march) != held("month", april)
    assert held("never", march) == held("never", april)


def test_a_share_of_zero_holds_nobody_out(make_plan: Any) -> None:
    actions = [{"id": "a", "treatments": [{"id": "t", "placement": "top", "content": {}}]}]
    plan = make_plan(actions, arbitration=control(0.0))
    assert not any(control_group(plan, str(number), 0) for number in range(1_000))


def test_the_shared_context_of_a_standing_never_keeps_an_earlier_request(make_plan: Any, scene_of: Any) -> None:
    treatments = [{"id": "t", "placement": "top", "content": {}}]
    scene = scene_of(make_plan([{"id": "a", "eligibility": "context.n == 1", "treatments": treatments}]))
    assert scene.shown("web", {"top": 1}, context={"n": 1}) == ["a"]
    assert scene.shown("web", {"top": 1}) == []
    assert predicates.standing(scene.profile, scene.plan, scene.now_ms).results.tolist() == [False]
