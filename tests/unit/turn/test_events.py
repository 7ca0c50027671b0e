from __future__ import annotations

from simulation.desk import ME, START_MS, Desk
from simulation.workload import command_of

from models import limits
from models.turn.commands import HISTORY


def test_a_first_event_begins_the_customer_at_version_one(desk: Desk) -> None:
    assert desk.event() == {"event_id": "e1", "status": "applied", "state_version": 1}
    assert desk.read()["features"]["baskets"] == 1


def test_events_of_one_customer_in_one_turn_apply_in_order(desk: Desk) -> None:
    results = desk.send(*(desk.event_command() for _ in range(5)))
    assert [result["state_version"] for result in results] == [1, 2, 3, 4, 5]


def test_a_repeated_event_is_a_duplicate_with_its_first_version(desk: Desk) -> None:
    command = desk.event_command()
    desk.send(command)
    desk.event()
    assert desk.send(command)[0] == {"event_id": "e1", "status": "duplicate", "state_version": 1}
    assert desk.read()["state_version"] == 2


def test_an_event_repeated_within_its_turn_is_applied_once(desk: Desk) -> None:
    command = desk.event_command()
    first, second = desk.send(command, command)
    assert (first["status"], second["status"]) == ("applied", "duplicate")
    assert desk.read()["features"]["baskets"] == 1


def test_an_event_id_with_another_body_is_rejected_as_a_conflict(desk: Desk) -> None:
    desk.event(event_id="x")
    result = desk.event(event_id="x", properties={"total": 11.0})
    assert result["status"] == "rejected"
    assert result["error"]["status"] == 409
    assert desk.read()["state_version"] == 1


def test_an_event_seven_days_late_is_applied_and_a_later_one_is_refused(desk: Desk) -> None:
    desk.pass_time(limits.EVENT_LATE_MS_MAX)
    assert desk.event(time_ms=START_MS)["status"] == "applied"
    assert desk.event(time_ms=START_MS - 1)["error"]["type"] == "too_late"


def test_an_event_ahead_of_the_clock_is_refused_beyond_five_minutes(desk: Desk) -> None:
    ahead = START_MS + limits.EVENT_AHEAD_MS_MAX
    assert desk.event(time_ms=ahead)["status"] == "applied"
    assert desk.event(time_ms=ahead + 1)["error"]["type"] == "in_future"


def test_a_refused_event_begins_no_customer(desk: Desk) -> None:
    desk.event(time_ms=0)
    assert desk.profile() is None
    assert desk.read()["status"] == 404


def test_history_may_be_of_any_age_and_has_keys_of_its_own(desk: Desk) -> None:
    body = {
        "event_id": "file:7", "customer_id": ME, "type": "basket", "time_ms": 1_000, "channel": None,
        "properties": {}, "source": "file",
    }
    assert desk.send(command_of(HISTORY, ME, body))[0]["status"] == "applied"
    assert desk.send(command_of(HISTORY, ME, body))[0]["status"] == "duplicate"
    assert desk.event(event_id="file:7")["status"] == "applied"


def test_a_key_binds_for_seven_days_across_checkpoints(desk: Desk) -> None:
    command = desk.event_command(time_ms=START_MS + limits.EVENT_AHEAD_MS_MAX)
    desk.send(command)
    desk.shard.save_checkpoint()
    desk.shard.start()
    desk.pass_time(limits.IDEMPOTENCY_MS - 1)
    assert desk.send(command)[0]["status"] == "duplicate"
    desk.pass_time(1)
    assert desk.send(command)[0]["status"] == "applied"


def test_an_event_that_satisfies_a_rest_policy_is_marked(desk: Desk) -> None:
    desk.event(properties={"total": 60.0})
    explained = desk.explain("desk", ("script", 1))
    gift = next(c for c in explained["candidates"] if c["action"] == "gift")
    assert (gift["removed_by"], gift["rule"]) == ("contact_policy", "bought")


def test_a_nested_event_without_a_time_is_the_same_event_asked_later_or_reported_on_its_own(desk: Desk) -> None:
    nested = {"event_id": "x", "type": "basket", "time_ms": None, "channel": "web", "properties": {"total": 10.0}}
    own = {**nested, "time_ms": desk.shard.wall_ms}
    assert desk.decide(event=nested)["state_version"] == 2
    assert desk.event(**own) == {"event_id": "x", "status": "duplicate", "state_version": 1}
    desk.pass_time(limits.MINUTE_MS)
    assert desk.decide(event=nested)["state_version"] == 3
    assert desk.event(**own, customer="ben")["status"] == "applied"
    assert desk.event(**{**own, "time_ms": desk.shard.wall_ms})["error"]["status"] == 409
    assert desk.decide(event={**nested, "type": "view"})["status"] == 409
    assert desk.read()["features"]["baskets"] == 1
