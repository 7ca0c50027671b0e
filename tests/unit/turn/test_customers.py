"""Attributes, consent, reads and erasure."""

from __future__ import annotations

import pytest
from simulation.desk import ME, START_MS, Desk, items
from simulation.workload import command_of

from models import limits
from models.times import format_time
from models.turn.commands import ERASE


def test_attributes_begin_a_customer_and_numbers_become_doubles(desk: Desk) -> None:
    assert desk.attributes(size=3, band="a", staff=False) == {"customer_id": ME, "state_version": 1}
    assert desk.read()["attributes"] == {"size": 3.0, "band": "a", "staff": False}


def test_what_changes_nothing_makes_no_new_version(desk: Desk) -> None:
    desk.attributes(size=3)
    assert desk.attributes(size=3.0)["state_version"] == 1
    assert desk.attributes(band=None)["state_version"] == 1
    assert desk.attributes(size=None)["state_version"] == 2
    assert desk.consent(marketing=False)["state_version"] == 3
    assert desk.consent(marketing=False)["state_version"] == 3


def test_removing_nothing_from_a_stranger_begins_nobody(desk: Desk) -> None:
    assert desk.attributes(size=None) == {"customer_id": ME, "state_version": 0}
    assert desk.profile() is None


@pytest.mark.parametrize("wrong", [
    {"unknown": 1}, {"unknown": None}, {"staff": 1}, {"size": True}, {"size": "3"}, {"band": 3}, {"band": "x" * 2_000},
])
def test_undeclared_or_wrongly_typed_attributes_are_refused_as_a_whole(desk: Desk, wrong: dict[str, object]) -> None:
    body = desk.attributes(**{"size": 1, **wrong})
    assert body["status"] == 422
    assert [error["loc"] for error in body["errors"]] == [list(wrong)]
    assert desk.profile() is None


def test_an_attribute_rule_reads_the_new_value_in_the_same_turn(desk: Desk) -> None:
    desk.attributes(staff=True)
    explained = desk.explain("web", ("strip", 3))
    five = next(c for c in explained["candidates"] if c["action"] == "five_off")
    assert five["removed_by"] == "eligibility"


def test_a_full_set_of_consent_purposes_takes_no_more(desk: Desk) -> None:
    desk.consent(**{f"p{number}": True for number in range(limits.CONSENT_PURPOSES_MAX)})
    assert desk.consent(one_more=True)["status"] == 422


def test_a_read_shows_what_is_due_and_changes_nothing(desk: Desk) -> None:
    desk.decide()
    desk.pass_time(3_600_000)
    before = desk.image()
    assert (desk.read()["state_version"], desk.read()["holds"]) == (2, [])
    assert desk.image() == before
    desk.tick()
    assert desk.read()["state_version"] == 2


def test_erasing_gives_the_same_receipt_whenever_repeated(desk: Desk) -> None:
    desk.event()
    receipt = desk.erase()
    assert receipt["time"] == format_time(START_MS)
    desk.pass_time(5_000)
    desk.shard.save_checkpoint()
    desk.shard.start()
    assert desk.erase() == receipt
    assert desk.read()["status"] == 404


def test_erasing_a_stranger_gives_a_receipt_and_leaves_nothing(desk: Desk) -> None:
    before = desk.image()
    assert desk.erase() == desk.erase()
    assert desk.image() == before


def test_erasing_returns_what_was_held(desk: Desk) -> None:
    desk.decide()
    assert desk.free("pool") == 10
    desk.erase()
    assert desk.free("pool") == 12


def test_a_later_event_begins_a_new_customer_of_the_next_generation(desk: Desk) -> None:
    desk.consent(marketing=True)
    first = desk.erase()
    assert desk.event()["state_version"] == 1
    profile = desk.profile()
    assert profile is not None
    assert (profile.generation, profile.consent) == (2, {})
    assert desk.erase()["receipt"] != first["receipt"]


def test_keys_of_an_erased_customer_bind_no_longer(desk: Desk) -> None:
    command, decision = desk.event_command(), desk.decision_command()
    old = desk.send(command, decision)[1]
    desk.erase()
    event, new = desk.send(command, decision)
    assert event["status"] == "applied"
    assert new["decision_id"] != old["decision_id"]


def test_erasing_and_beginning_anew_in_one_turn_keeps_generations_apart(desk: Desk) -> None:
    event = desk.event_command()
    erased = desk.decision_command(request_id="r")
    erase = command_of(ERASE, ME, {})
    from_turn = desk.send(event, erased, erase, event, erased, erase, event, event)
    assert [body.get("status") for body in from_turn if "event_id" in body] == [
        "applied", "applied", "applied", "duplicate",
    ]
    profile = desk.profile()
    assert profile is not None
    assert (profile.generation, profile.state_version) == (3, 1)
    assert desk.send(event)[0]["status"] == "duplicate"


def test_an_outcome_of_an_erased_decision_is_unknown(desk: Desk) -> None:
    item = items(desk.decide())[0]
    desk.erase()
    assert desk.outcome("accept", item)["error"]["status"] == 404

