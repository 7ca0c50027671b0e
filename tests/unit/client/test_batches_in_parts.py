"""A batch of which a shard could not answer its part: that part is asked again, the rest keeps its answers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.client.scripted import Script, built, said

from cluster.client import Request
from cluster.client.codec import JSON


class Flaky:
    """Applies an event once; answers 503 for customers while they are away."""

    def __init__(self, away: dict[str, int]) -> None:
        self.away = away
        self.seen: list[list[str]] = []
        self.applied: list[str] = []

    def __call__(self, request: Request) -> Any:
        events = JSON.decode(request.body)["events"]
        self.seen.append([event["event_id"] for event in events])
        left = {customer: self.away.get(customer, 0) for customer in {event["customer_id"] for event in events}}
        for customer in left:
            self.away[customer] = max(0, left[customer] - 1)
        return said(200, {"results": [self._one(event, left[event["customer_id"]]) for event in events]})

    def _one(self, event: Any, away: int) -> Any:
        id_ = event["event_id"]
        if away:
            return {"event_id": id_, "status": "rejected", "error": {"status": 503, "detail": "no owner"}}
        status = "duplicate" if id_ in self.applied else "applied"
        self.applied.append(id_)
        return {"event_id": id_, "status": status, "state_version": len(self.applied)}


def events(*customers: str) -> Any:
    return [
        {"event_id": f"e{place}", "customer_id": customer, "type": "visit", "time": "2026-01-01T00:00:00Z"}
        for place, customer in enumerate(customers)
    ]


@given(
    customers=st.lists(st.sampled_from("abc"), min_size=1, max_size=12),
    away=st.dictionaries(st.sampled_from("abc"), st.integers(0, 4)),
)
def test_every_event_is_applied_once_and_each_customers_in_order(customers: list[str], away: dict[str, int]) -> None:
    server = Flaky(away)
    results = Script([server], timeout_s=1_000).play(built(lambda kairos: kairos.send_events(events(*customers))))
    assert [result.event_id for result in results] == [f"e{place}" for place in range(len(customers))]
    assert {result.status for result in results} == {"applied"}
    assert sorted(server.applied) == sorted(set(server.applied))
    for customer in set(customers):
        mine = [f"e{place}" for place, one in enumerate(customers) if one == customer]
        assert [id_ for id_ in server.applied if id_ in mine] == mine


def test_only_what_failed_is_asked_again() -> None:
    server = Flaky({"b": 1})
    Script([server]).play(built(lambda kairos: kairos.send_events(events("a", "b", "a", "b"))))
    assert server.seen == [["e0", "e1", "e2", "e3"], ["e1", "e3"]]


@pytest.mark.parametrize("then", [503, 401])
def test_what_stays_unanswered_is_told_in_its_place(then: int) -> None:
    script = Script([Flaky({"b": 9}), then], timeout_s=2)
    first, second = script.play(built(lambda kairos: kairos.send_events(events("a", "b"))))
    assert (first.status, first.error) == ("applied", None)
    assert (second.status, second.state_version) == ("rejected", None)
    assert second.error["detail"] == "no owner"


def test_an_event_that_is_wrong_is_not_asked_again() -> None:
    wrong = {"event_id": "e0", "status": "rejected", "error": {"status": 422, "detail": "no such type"}}
    script = Script([said(200, {"results": [wrong]})])
    (result,) = script.play(built(lambda kairos: kairos.send_events(events("a"))))
    assert result.error["status"] == 422
    assert len(script.sent) == 1


def test_decisions_of_a_batch_are_repeated_alone_with_their_ids() -> None:
    def one(status: int, id_: str) -> Any:
        return {"status": status, "body": {"request_id": id_, "decision_id": f"d-{id_}"}}

    parts = [one(200, "r0"), one(503, "r1")], [one(200, "r1")]
    script = Script([said(200, {"results": part}) for part in parts])
    requests: Any = [
        {"request_id": f"r{n}", "customer_id": "ann", "channel": "web", "placements": [{"id": "hero"}]}
        for n in range(2)
    ]
    results = script.play(built(lambda kairos: kairos.decide_batch(requests)))
    assert [result.decision.decision_id for result in results] == ["d-r0", "d-r1"]
    assert [[one["request_id"] for one in body["requests"]] for body in script.bodies()] == [["r0", "r1"], ["r1"]]


def test_a_page_of_history_is_sent_again_as_a_whole_and_keeps_its_first_answers() -> None:
    def answer(*statuses: Any) -> Any:
        return said(200, {"results": [
            {"event_id": f"f:{n}", "status": "rejected", "error": {"status": status}} if isinstance(status, int)
            else {"event_id": f"f:{n}", "status": status, "state_version": 1} for n, status in enumerate(statuses)
        ]})

    script = Script([answer("applied", 503, 422), answer("duplicate", "applied", 422)])
    results = script.play(built(lambda kairos: kairos.send_history("f", 7, [b'{"n": 1}', b'{"n": 2}', b"null"])))
    assert [result.status for result in results] == ["applied", "applied", "rejected"]
    body = {"source": "f", "first_position": 7, "events": [{"n": 1}, {"n": 2}, None]}
    assert script.bodies() == [body, body]
