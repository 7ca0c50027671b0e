"""An outcome's fact says in which channel it came about, and whether its customer was held out then."""

from __future__ import annotations

from simulation.desk import HELD_OUT, OTHER, Desk, items

from models.profile import packing
from models.profile.facts import Decided, OutcomeApplied
from models.profile.state import Profile


def outcomes(desk: Desk) -> list[OutcomeApplied]:
    return [fact for fact in desk.facts() if isinstance(fact, OutcomeApplied)]


def ledger_of(desk: Desk, customer: str) -> Profile:
    found = desk.profile(customer)
    assert found is not None
    return found


def test_an_outcome_has_the_channel_of_its_decision(desk: Desk) -> None:
    desk.consent(marketing=True)
    push, web = desk.decide("push", ("message", 1)), desk.decide("web", ("hero", 1), customer=OTHER)
    desk.outcome("click", items(push)[0])
    desk.outcome("click", items(web)[0], customer=OTHER)
    assert [(fact.channel, fact.control_group) for fact in outcomes(desk)] == [("push", None), ("web", None)]
    desk.check()


def test_an_outcome_of_who_is_held_out_says_so_after_a_restart_too(desk: Desk) -> None:
    told = desk.decide("web", ("hero", 1), customer=HELD_OUT)
    assert told["control_group"] == "held_out"
    shown = told["placements"][0]["items"][0]["action"]
    profile = ledger_of(desk, HELD_OUT)
    assert packing.unpack(packing.pack(profile)).ledger == profile.ledger
    desk.shard.start()
    desk.outcome("impression", (told["decision_id"], shown), customer=HELD_OUT)
    assert [(fact.channel, fact.control_group) for fact in outcomes(desk)] == [("web", "held_out")]
    assert [fact.control_group for fact in desk.facts() if isinstance(fact, Decided)] == ["held_out"]
    assert ledger_of(desk, HELD_OUT).ledger[0].control_group == "held_out"
    desk.check()
