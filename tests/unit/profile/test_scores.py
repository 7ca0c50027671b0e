"""Scores of targets in the profile: rules that read them see the newest value, whatever caches hold."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.profile.building import DAY, EXAMPLE, FEATURES, T0
from unit.profile.building import plan as plan_without
from unit.profile.test_profile_histories import next_fact

from models.arbitration import deciding
from models.arbitration.index import index_for
from models.arbitration.preparation import Preparation
from models.catalog.check import check_text
from models.catalog.plan import Plan
from models.profile import features, packing, predicates, timers
from models.profile.apply import apply
from models.profile.facts import AttributesChanged, Born, Fact, ScoresRefreshed
from models.profile.learnt import Score
from models.profile.state import Profile
from models.profile.validate import validate
from models.profile.views import profile_view
from models.scoring.evidence import Evidence
from models.scoring.roles import Roles

TARGETS = """
targets:
  - {id: churn_risk, predict: none, event: basket}
  - {id: worth, predict: sum, event: basket, field: total, within: 90d}
  - {id: best_hour, predict: hour, event: basket}
  - {id: best_channel, predict: channel, outcome: click}

"""
SEGMENTS = """
  - {id: leaving, when: "has(profile.scores.churn_risk) && profile.scores.churn_risk > 0.5"}
  - {id: worthy, when: "profile.scores.worth >= 50.0 && !segments.leaving"}
  - {id: scored, when: "size(profile.scores) > 1"}
"""
SUITABLE = "suitability: \"!segments.struggling\""
RULES = """suitability: "!has(profile.scores.churn_risk) || profile.scores.churn_risk < 0.7"
    context_weight: "has(profile.scores.worth) ? profile.scores.worth / 10.0 : 1.0\""""
ASKED = "has(context.device) && context.device == 'mobile'"


CLOCKED = "  - {id: evening, when: \"now.getMinutes() % 2 == 0\"}\n"


def catalog(of_channel: bool = True, targets: str = TARGETS) -> str:
    added = FEATURES.replace(CLOCKED, "") + SEGMENTS
    text = EXAMPLE.read_text().replace("\nsegments:\n", added, 1).replace(SUITABLE, RULES, 1)
    text = text.replace(f"{ASKED} ? 1.5 : 1.0", f"{ASKED} ? profile.scores.worth : 1.0", 1)
    if of_channel:
        web = "has(profile.scores.best_channel) && profile.scores.best_channel == 'email'"
        text = text.replace('when: "profile.spend_28d > 40.0"', f'when: "{web}"', 1)
    return text.replace("\nhierarchy:", targets + "\nhierarchy:", 1)


@cache
def plan() -> Plan:
    made = check_text(catalog())
    assert sum("scores" in (rule.profile_fields or ()) for rule in made.rules) >= 7
    return made


@cache
def clocked() -> Plan:
    """The same, and a segment that is judged anew at every instant."""
    return check_text(catalog().replace(SEGMENTS, SEGMENTS + CLOCKED, 1))


def refreshed(**values: float | str) -> ScoresRefreshed:
    return ScoresRefreshed(tuple((id_, value, "xgb-1") for id_, value in values.items()))


def born() -> Profile:
    return apply(None, Born("hh-1"), plan(), T0)


def holds(profile: Profile, now_ms: int = T0, under: Plan | None = None) -> list[str]:
    segments = predicates.standing(profile, under or plan(), now_ms).segments
    return [id_ for id_ in ("leaving", "worthy", "scored") if segments[id_]]


def test_a_refreshed_score_turns_the_rules_that_read_it_and_what_follows() -> None:
    profile = born()
    assert holds(profile) == []
    apply(profile, refreshed(churn_risk=0.75), plan(), T0)
    assert holds(profile) == ["leaving"]
    apply(profile, refreshed(worth=60.0), plan(), T0)
    assert holds(profile) == ["leaving", "scored"]
    apply(profile, refreshed(churn_risk=0.25), plan(), T0)
    assert holds(profile) == ["worthy", "scored"]
    assert profile.scores["worth"] == Score(60.0, "xgb-1", T0)
    assert profile.state_version == 3


def test_a_dropped_draft_with_other_scores_misleads_nobody() -> None:
    profile = apply(born(), refreshed(churn_risk=0.25), plan(), T0)
    assert holds(profile) == []
    assert holds(apply(profile.copy(), refreshed(churn_risk=0.75), plan(), T0)) == ["leaving"]
    assert holds(profile) == []


def test_two_customers_who_differ_in_a_score_alone_are_told_apart() -> None:
    assert holds(apply(born(), refreshed(churn_risk=0.75), plan(), T0)) == ["leaving"]
    assert holds(apply(born(), refreshed(churn_risk=0.25), plan(), T0)) == []
    assert holds(apply(born(), refreshed(churn_risk=0.75), plan(), T0)) == ["leaving"]


def test_scores_of_what_is_no_target_any_more_are_hidden_and_go_with_the_next_refresh() -> None:
    without = TARGETS.replace("  - {id: best_channel, predict: channel, outcome: click}\n", "")
    fewer = check_text(catalog(False, without))
    profile = apply(born(), refreshed(best_channel="web", worth=60.0), plan(), T0)
    assert profile_view(profile, plan(), T0)["scores"].keys() == {"worth", "best_channel"}
    assert profile_view(profile, fewer, T0)["scores"].keys() == {"worth"}
    assert holds(profile, under=fewer) == ["worthy"]
    apply(profile, refreshed(worth=10.0), fewer, T0)
    assert profile.scores.keys() == {"worth"}


def test_a_score_of_another_kind_than_its_target_now_has_counts_as_absent() -> None:
    other = check_text(catalog(False, TARGETS.replace("best_channel, predict: channel", "best_channel, predict: any")))
    profile = apply(born(), refreshed(best_channel="web"), plan(), T0)
    assert features.read(profile, other, T0).record()["scores"] == {}
    assert features.read(profile, plan(), T0).record()["scores"] == {"best_channel": "web"}


def test_the_view_shows_an_hour_as_a_whole_number_with_version_and_time() -> None:
    profile = apply(born(), refreshed(best_hour=18.0, best_channel="email", churn_risk=0.5), plan(), T0)
    assert profile_view(profile, plan(), T0)["scores"] == {
        "churn_risk": {"value": 0.5, "version": "xgb-1", "time": "2023-11-14T22:13:20Z"},
        "best_hour": {"value": 18, "version": "xgb-1", "time": "2023-11-14T22:13:20Z"},
        "best_channel": {"value": "email", "version": "xgb-1", "time": "2023-11-14T22:13:20Z"},
    }


def test_an_attribute_called_scores_is_read_as_ever_where_there_are_no_targets() -> None:
    text = EXAMPLE.read_text().replace("attributes:\n", "attributes:\n  - {id: scores, type: number}\n", 1)
    named = check_text(text.replace("segments:\n", "segments:\n  - {id: high, when: \"profile.scores > 1.0\"}\n", 1))
    for value in (1.0, 3.0, 2.0, 0.0):
        profile = apply(None, Born("hh-1"), named, T0)
        apply(profile, AttributesChanged({"scores": value}), named, T0)
        assert predicates.standing(profile, named, T0).segments["high"] == (value > 1.0)
        apply(profile, AttributesChanged({"scores": 0.0}), named, T0)
        assert predicates.standing(profile, named, T0).segments["high"] is False
        validate(profile, named, T0)


def some_fact(rng: random.Random, profile: Profile, now_ms: int, number: int) -> Fact | None:
    if rng.random() < 0.6:
        return next_fact(rng, profile, now_ms, number)
    values: dict[str, float | str] = {
        "churn_risk": rng.choice([0.0, 0.25, 0.6, 0.75]), "worth": rng.choice([0.0, -3.0, 55.0, 1e9]),
        "best_hour": float(rng.randrange(24)), "best_channel": rng.choice(["web", "email"]),
    }
    return refreshed(**{id_: values[id_] for id_ in rng.sample(sorted(values), rng.randint(1, 4))})


def advanced(profile: Profile, under: Plan, now_ms: int) -> Profile:
    while 0 < timers.next_due(profile) <= now_ms:
        for fact in timers.due_facts(profile, now_ms):
            profile = apply(profile, fact, under, now_ms)
    return profile


def decided(profile: Profile, under: Plan, now_ms: int, device: str) -> list[Any]:
    """All that a decision would rest on before its scores."""
    request = {
        "channel": "web", "placements": [{"id": "home_hero", "count": 1}, {"id": "home_strip", "count": 3}],
        "exclude": [], "event": None, "context": {"device": device}, "dry_run": True, "customer_id": "hh-1",
        "request_id": "r1", "explain": False,
    }
    seed = b"0123456789abcdef"
    prepared = deciding.prepare(profile, under, request, seed, now_ms, Evidence(), Roles())
    assert isinstance(prepared, Preparation)
    verdict = deciding.resolve(prepared, None, False, lambda *_: 9)
    weights = prepared.context_weights
    return [
        prepared.scored.tolist(), None if weights is None else weights.tolist(), verdict.items,
        verdict.body["placements"], sorted(prepared.rule_errors.items()), prepared.standing.segments,
    ]


def forget(under: Plan) -> None:
    """What customers share: standings of their twins, and funnels."""
    predicates.dependencies(under).judged.clear()
    index_for(under).funnels.clear()
    index_for(under).request_rules.clear()


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 40))
def test_after_any_facts_caches_give_the_decisions_that_are_made_without_them(seed: int, steps: int) -> None:
    rng = random.Random(seed)
    profile, now_ms, under = born(), T0, plan()
    for number in range(steps):
        now_ms += rng.choice([0, 0, 1, 60_000, DAY])
        if rng.random() < 0.1:
            under = rng.choice([plan(), clocked(), plan_without()])
        profile = advanced(profile, under, now_ms)
        fact = some_fact(rng, profile, now_ms, number)
        if fact is None:
            continue
        draft = apply(profile.copy(), fact, under, now_ms)
        validate(draft, under, now_ms)
        if rng.random() < 0.2:
            continue
        profile = draft
        validate(profile, under, now_ms)
        fresh = packing.unpack(packing.pack(profile))
        assert fresh == profile
        device = rng.choice(["mobile", "desktop"])
        cached = decided(profile, under, now_ms, device)
        forget(under)
        assert cached == decided(fresh, under, now_ms, device)
