from __future__ import annotations

import pytest
from simulation.desk import OTHER, START_MS, Desk, items

from models import limits

TEN_OFF_UNITS, POOL = 2, 12


def decided(desk: Desk) -> tuple[str, str]:
    """A held coupon: (decision id, "ten_off")."""
    item = items(desk.decide())[0]
    assert item[1] == "ten_off"
    return item


def help_item(desk: Desk) -> tuple[str, str]:
    """A held item of a budget that is spent on contact."""
    return next(item for item in items(desk.decide("desk", ("script", 2))) if item[1] == "help")


def contact_state(desk: Desk) -> tuple[str, int]:
    profile = desk.profile()
    assert profile is not None
    return profile.ledger[-1].state, profile.ledger[-1].confirmed_ms


@pytest.mark.parametrize("kind", ["impression", "delivery", "click", "accept", "reject", "dismiss", "complain"])
def test_what_shows_that_it_was_seen_confirms_the_contact(desk: Desk, kind: str) -> None:
    item = decided(desk)
    assert desk.outcome(kind, item) == {"outcome_id": "o2", "status": "applied", "state_version": 2}
    assert contact_state(desk) == ("confirmed", START_MS)


def test_not_shown_releases_contact_and_units(desk: Desk) -> None:
    item = decided(desk)
    assert desk.free("pool") == POOL - TEN_OFF_UNITS
    desk.outcome("not_shown", item)
    assert contact_state(desk) == ("released", 0)
    assert desk.free("pool") == POOL


def test_the_first_acceptance_spends_and_a_second_changes_only_the_timeline(desk: Desk) -> None:
    item = decided(desk)
    desk.outcome("accept", item)
    desk.outcome("accept", item)
    position = next(p for p in desk.shard.core.state.escrow.positions() if p.budget == "pool")
    assert (position.held, position.spent, position.unfunded) == (0, TEN_OFF_UNITS, 0)


def test_a_refusal_releases_the_units(desk: Desk) -> None:
    desk.outcome("reject", decided(desk))
    assert desk.free("pool") == POOL


def test_an_acceptance_after_release_spends_when_a_unit_is_free(desk: Desk) -> None:
    item = decided(desk)
    desk.outcome("not_shown", item)
    result = desk.outcome("accept", item)
    assert result["late"] is True
    assert "funded" not in result
    assert desk.free("pool") == POOL - TEN_OFF_UNITS


def test_an_acceptance_after_release_without_a_unit_is_unfunded_and_says_so_again() -> None:
    desk = Desk({"pool": 2})
    item = decided(desk)
    desk.pass_time(3_600_000)
    desk.tick()
    other = desk.decide(customer=OTHER)
    assert desk.free("pool") == 0
    command = desk.outcome_command("accept", item)
    first, again = desk.send(command, command)
    assert (first["funded"], first["late"], first["status"]) == (False, True, "applied")
    assert again == {**first, "status": "duplicate"}
    position = next(p for p in desk.shard.core.state.escrow.positions() if p.budget == "pool")
    assert (position.held, position.spent, position.unfunded) == (2, 0, 2)
    assert items(other)[0][1] == "ten_off"
    desk.check()


def test_a_unit_freed_earlier_in_the_turn_pays_for_a_later_acceptance() -> None:
    desk = Desk({"pool": 2})
    item = decided(desk)
    desk.outcome("not_shown", item)
    theirs = items(desk.decide(customer=OTHER))[0]
    freed, accepted = desk.send(
        desk.outcome_command("not_shown", theirs, customer=OTHER), desk.outcome_command("accept", item),
    )
    assert freed["status"] == "applied"
    assert "funded" not in accepted
    desk.check()


def test_a_budget_on_contact_is_spent_by_the_confirmation(desk: Desk) -> None:
    free = desk.free("minutes")
    item = help_item(desk)
    held = desk.free("minutes")
    desk.outcome("impression", item)
    position = next(p for p in desk.shard.core.state.escrow.positions() if p.budget == "minutes")
    assert position.spent >= 3
    assert desk.free("minutes") == held < free


def test_nobody_confirms_so_time_releases_contact_and_units(desk: Desk) -> None:
    decided(desk)
    desk.pass_time(600_000 + limits.HOLD_GRACE_MS - 1)
    desk.tick()
    assert desk.free("pool") == POOL - TEN_OFF_UNITS
    desk.pass_time(1)
    desk.tick()
    assert desk.free("pool") == POOL
    assert contact_state(desk) == ("released", 0)


def test_the_end_of_the_response_window_returns_the_units(desk: Desk) -> None:
    desk.outcome("impression", decided(desk))
    desk.pass_time(2 * 3_600_000)
    desk.tick()
    assert desk.free("pool") == POOL
    profile = desk.profile()
    assert profile is not None
    assert profile.ledger[-1].outcomes[-1][0] == "none"


@pytest.mark.parametrize(("after_ms", "late"), [(600_000, False), (600_001, True), (600_000 + 300_000, True)])
def test_a_confirmation_after_the_hold_expired_is_late(desk: Desk, after_ms: int, late: bool) -> None:
    item = decided(desk)
    desk.pass_time(after_ms)
    assert desk.outcome("impression", item).get("late", False) is late


def test_a_confirmation_counts_when_it_happened_not_when_it_arrived(desk: Desk) -> None:
    item = decided(desk)
    desk.pass_time(500_000)
    desk.outcome("impression", item, time_ms=START_MS + 10)
    assert contact_state(desk) == ("confirmed", START_MS + 10)


def test_a_time_before_the_decision_counts_at_the_decision(desk: Desk) -> None:
    desk.outcome("impression", decided(desk), time_ms=START_MS - 99)
    assert contact_state(desk) == ("confirmed", START_MS)


def test_a_till_names_the_newest_open_contact_by_customer_and_action(desk: Desk) -> None:
    desk.outcome("impression", decided(desk))
    assert desk.outcome("accept", "ten_off")["status"] == "applied"
    assert desk.outcome("accept", "gift")["error"]["status"] == 404


def test_an_outcome_on_a_fallback_changes_only_the_timeline(desk: Desk) -> None:
    decided(desk)
    body = desk.decide()
    assert body["placements"][0]["items"][0]["fallback"]
    desk.outcome("click", (body["decision_id"], "story"))
    assert contact_state(desk)[0] == "fallback"


@pytest.mark.parametrize(
    ("change", "status"),
    [({"type": "none"}, 422), ({"action": "gift"}, 422), ({"decision_id": "d" + "A" * 34}, 404),
     ({"time_ms": START_MS + 400_000}, 422)],
)
def test_what_makes_no_sense_is_rejected(desk: Desk, change: dict[str, object], status: int) -> None:
    item = decided(desk)
    result = desk.outcome("accept", item, **change)
    assert (result["status"], result["error"]["status"]) == ("rejected", status)
    assert desk.read()["state_version"] == 1


def test_each_contact_counts_once_as_evidence(desk: Desk) -> None:
    item = decided(desk)
    desk.outcome("impression", item)
    desk.outcome("accept", item)
    desk.outcome("accept", item)
    desk.pass_time(3 * 3_600_000)
    desk.tick()
    silent = items(desk.decide())[0]
    desk.outcome("impression", silent)
    desk.pass_time(3 * 3_600_000)
    desk.tick()
    desk.outcome("accept", silent)
    counts = {(c.kind, c.id): (c.accepts, c.contacts) for c in desk.shard.core.state.counts.changes_since(0)}
    assert counts[("action", "ten_off")] == (1, 2)
    assert counts[("issue", "grow")] == (1, 2)
