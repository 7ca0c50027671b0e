"""Repeats: the same ids in each, only where the contract allows them, after its pauses, within the caller's time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.client.scripted import Script, built, said

from cluster.client import NO_RETRY, Conflict, Lost, Refused, RetryPolicy, Unavailable, Unreachable
from cluster.client.retry import REPEATABLE
from models import limits

FAILURES = st.lists(
    st.sampled_from([*sorted(REPEATABLE), Lost("cut"), Lost("no route", sent=False)]), min_size=1, max_size=8
)
EVENT: Any = {"customer_id": "ann", "type": "visit", "time": "2026-01-01T00:00:00Z"}
OUTCOME: Any = {"decision_id": "d", "action": "a", "type": "click", "time": "2026-01-01T00:00:00Z"}
DONE = said(200, {"results": [{"status": "applied"}]})


@given(failures=FAILURES)
def test_every_repeat_of_a_decision_asks_for_the_same_effect(failures: list[Any]) -> None:
    script = Script([*failures, said(200, {"decision_id": "d"})], timeout_s=1_000)
    decision = script.play(built(lambda kairos: kairos.decide("ann", "web", ["hero"], event={"type": "visit"})))
    assert decision.decision_id == "d"
    bodies = [{name: body[name] for name in body if name != "deadline_ms"} for body in script.bodies()]
    assert len(bodies) == len(failures) + 1
    assert all(body == bodies[0] for body in bodies)
    assert len(bodies[0]["request_id"]) == 32


@given(failures=FAILURES)
@pytest.mark.parametrize(("field", "name"), [("events", "event_id"), ("outcomes", "outcome_id")])
def test_events_and_outcomes_keep_their_made_ids(field: str, name: str, failures: list[Any]) -> None:
    given_ = {"events": EVENT, "outcomes": OUTCOME}[field]
    script = Script([*failures, DONE], timeout_s=1_000)
    script.play(built(lambda kairos: getattr(kairos, f"send_{field}")([given_])))
    sent = [body[field][0] for body in script.bodies()]
    assert len({one[name] for one in sent}) == 1
    assert all(one == {**given_, name: one[name]} for one in sent)
    assert name not in given_


def test_two_calls_never_share_a_made_id() -> None:
    script = Script([DONE])
    for _ in range(2):
        script.play(built(lambda kairos: kairos.send_events([EVENT])))
    first, second = (body["events"][0]["event_id"] for body in script.bodies())
    assert first != second


def test_given_ids_are_kept() -> None:
    script = Script([said(200, {})])
    script.play(built(lambda kairos: kairos.decide("ann", "web", ["hero"], request_id="r-1")))
    assert script.bodies()[0]["request_id"] == "r-1"


@pytest.mark.parametrize("status", sorted(REPEATABLE))
def test_what_may_be_repeated_is_until_the_time_is_up(status: int) -> None:
    script = Script([status], timeout_s=5)
    with pytest.raises(Unavailable) as refused:
        script.play(built(lambda kairos: kairos.budgets()))
    assert refused.value.attempts == len(script.sent) > 3
    assert sum(script.pauses_s) < 5
    assert script.manner.counts.repeats == len(script.sent) - 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 422])
def test_a_refusal_for_good_is_told_at_once(status: int) -> None:
    script = Script([status])
    with pytest.raises(Refused, match=f"GET /v1/budgets -> {status}: status {status}"):
        script.play(built(lambda kairos: kairos.budgets()))
    assert len(script.sent) == 1


def test_nobody_there_is_told_when_the_time_is_up() -> None:
    script = Script([Lost("cannot connect", sent=False)], timeout_s=3)
    with pytest.raises(Unreachable, match=r"cannot connect.*repeat it with the same ids"):
        script.play(built(lambda kairos: kairos.budgets()))
    assert len(script.sent) > 2


def test_one_attempt_means_one() -> None:
    script = Script([503], retry=NO_RETRY)
    with pytest.raises(Unavailable):
        script.play(built(lambda kairos: kairos.budgets()))
    assert script.pauses_s == []


@given(chance=st.floats(0, 1, exclude_max=True), after_s=st.floats(0, 4))
def test_a_pause_is_never_shorter_than_retry_after(chance: float, after_s: float) -> None:
    script = Script([said(503, {}, after_s), DONE], chance=chance)
    script.play(built(lambda kairos: kairos.send_events([EVENT])))
    (pause_s,) = script.pauses_s
    assert after_s <= pause_s <= after_s + RetryPolicy().first_pause_s


def test_a_retry_after_beyond_the_callers_time_is_not_waited_for() -> None:
    script = Script([said(503, {"detail": "busy"}, 60.0)], timeout_s=10)
    with pytest.raises(Unavailable):
        script.play(built(lambda kairos: kairos.budgets()))
    assert script.pauses_s == []


@given(chance=st.floats(0, 1, exclude_max=True))
def test_pauses_double_up_to_a_ceiling_and_are_drawn_over_all_of_it(chance: float) -> None:
    policy = RetryPolicy(first_pause_s=0.1, longest_pause_s=1.0)
    pauses = [policy.pause_s(attempts, chance) for attempts in range(1, 8)]
    assert pauses == pytest.approx([chance * ceiling for ceiling in (0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0)])


def test_the_deadline_of_a_decision_is_what_remains_of_the_callers_time() -> None:
    script = Script([504, 504, said(200, {})], chance=0.99, attempt_takes_s=0.25)
    script.play(built(lambda kairos: kairos.decide("ann", "web", ["hero"], timeout_s=2.0)))
    deadlines = [body["deadline_ms"] for body in script.bodies()]
    assert deadlines[0] == 2_000
    assert deadlines == sorted(deadlines, reverse=True)
    assert deadlines[2] < 2_000 - 2 * 250
    assert script.timeouts_s[0] == 2.0


def test_a_long_time_means_the_longest_deadline() -> None:
    script = Script([said(200, {"results": [{"status": 200, "body": {}}]})], timeout_s=60)
    script.play(built(lambda kairos: kairos.decide_batch(
        [{"customer_id": "ann", "channel": "web", "placements": [{"id": "hero"}]}]
    )))
    assert script.bodies()[0]["requests"][0]["deadline_ms"] == limits.DEADLINE_MS_MAX


def test_a_given_deadline_bounds_each_attempt_and_the_time_all_of_them() -> None:
    script = Script([Lost("silence")], timeout_s=10, attempt_takes_s=1.2)
    with pytest.raises(Unreachable):
        script.play(built(lambda kairos: kairos.decide("ann", "web", ["hero"], deadline_ms=200)))
    assert {body["deadline_ms"] for body in script.bodies()} == {200}
    assert script.timeouts_s[0] == 0.2 + limits.CLIENT_DEADLINE_GRACE_MS / 1_000
    assert len(script.sent) > 3


@pytest.mark.parametrize("failure", [500, 504, Lost("cut")])
def test_a_catalog_over_a_seen_version_is_not_sent_twice_when_it_may_have_been_published(failure: Any) -> None:
    script = Script([failure, 409])
    with pytest.raises((Unavailable, Unreachable), match="may have been done"):
        script.play(built(lambda kairos: kairos.publish_catalog({}, if_match="sha256:1")))
    assert len(script.sent) == 1
    assert script.sent[0].headers == {"if-match": '"sha256:1"'}


@pytest.mark.parametrize("failure", [503, 429, Lost("no route", sent=False)])
def test_a_catalog_over_a_seen_version_is_sent_again_when_nothing_was_done(failure: Any) -> None:
    script = Script([failure, said(200, {"catalog_version": "sha256:2"})])
    published = script.play(built(lambda kairos: kairos.publish_catalog({}, if_match="sha256:1")))
    assert published.catalog_version == "sha256:2"


def test_a_conflict_is_told_as_one() -> None:
    with pytest.raises(Conflict, match="look at the live catalog"):
        Script([409]).play(built(lambda kairos: kairos.publish_catalog({}, if_match="sha256:1")))
