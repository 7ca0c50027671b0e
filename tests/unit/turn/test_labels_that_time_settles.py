"""A label is told once, when the response window of a shown item has ended."""

from __future__ import annotations

from simulation.desk import START_MS, Desk, items

from models import limits

WITHIN_MS = 2 * limits.HOUR_MS


def shown(desk: Desk) -> tuple[str, str]:
    item = items(desk.decide())[0]
    desk.outcome("impression", item)
    return item


def test_an_item_that_was_shown_and_ignored_is_settled_as_not_accepted_when_its_window_ends(desk: Desk) -> None:
    decision_id, action = shown(desk)
    desk.pass_time(WITHIN_MS - 1)
    desk.tick()
    assert desk.shard.labels == []
    desk.pass_time(1)
    desk.tick()
    label, = desk.shard.labels
    assert (label.decision_id, label.action, label.channel, label.scorer) == (decision_id, action, "web", None)
    assert (label.accepted, label.decided_ms) == (False, START_MS)
    contact = desk.profile().ledger[-1]  # type: ignore[union-attr]
    assert label.propensity == contact.propensity


def test_an_acceptance_is_told_with_the_silent_ones_and_not_before_them(desk: Desk) -> None:
    desk.outcome("accept", shown(desk))
    assert desk.shard.labels == []
    desk.pass_time(WITHIN_MS)
    desk.tick()
    assert [label.accepted for label in desk.shard.labels] == [True]


def test_what_nobody_saw_has_no_label(desk: Desk) -> None:
    desk.outcome("not_shown", items(desk.decide())[0])
    desk.decide("desk", ("script", 1))
    desk.pass_time(limits.DAY_MS)
    desk.tick()
    assert desk.shard.labels == []


def test_what_is_accepted_after_its_window_is_told_once_as_not_accepted(desk: Desk) -> None:
    item = shown(desk)
    desk.pass_time(WITHIN_MS)
    desk.outcome("accept", item)
    desk.pass_time(WITHIN_MS)
    desk.tick()
    assert [label.accepted for label in desk.shard.labels] == [False]


def test_a_decision_that_comes_when_a_window_has_ended_settles_its_label_and_a_dry_run_does_not(desk: Desk) -> None:
    shown(desk)
    desk.pass_time(WITHIN_MS)
    desk.decide(dry_run=True)
    assert desk.shard.labels == []
    desk.decide()
    assert len(desk.shard.labels) == 1


def test_an_erased_customer_leaves_no_label(desk: Desk) -> None:
    shown(desk)
    desk.erase()
    desk.pass_time(limits.DAY_MS)
    desk.tick()
    assert desk.shard.labels == []
