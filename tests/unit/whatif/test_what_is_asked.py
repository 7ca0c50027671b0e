"""What both sides are asked: events that were applied before, versions, time, units, and what the answer remarks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulation.catalog import other_plan, plan
from simulation.desk import ME
from unit.whatif.trials import Trials, action, changed, whys

from models.budgets.periods import period_key
from models.turn.commands import Command
from models.whatif.asking import dry, of_logged, seed_of
from models.whatif.side import Side
from models.whatif.units import Account, units_under


def _buyers_only(data: dict[str, Any]) -> None:
    action(data, "ten_off").update(eligibility="profile.baskets >= 2")


def test_a_nested_event_counts_for_this_request_and_is_applied_once() -> None:
    trials = Trials()
    event = {"event_id": "e", "type": "basket", "time_ms": None, "channel": "web", "properties": {"total": 1.0}}
    asked = trials.desk.decision_command("web", ("hero", 1), event=event)
    twice = changed(_buyers_only)
    once = changed(lambda data: action(data, "ten_off").update(eligibility="profile.baskets >= 1"))
    assert trials.compare(twice, asked)["changed"] == 1
    assert trials.compare(once, asked)["changed"] == 0
    trials.desk.send(asked)  # now it is applied for good
    again = Command(asked.kind, asked.customer, ME, {**asked.body, "exclude": ["gift"]}, "r", 0, asked.tenant)
    stood = trials.compare(twice, again)["results"][0]["candidate"]["placements"][0]["items"]
    assert [item["action"] for item in stood] == ["story"]


def test_a_request_from_the_log_is_asked_as_it_was_and_its_event_stays_applied_once() -> None:
    trials = Trials()
    event = {"event_id": "e", "type": "basket", "time_ms": None, "channel": "web", "properties": {"total": 1.0}}
    trials.desk.decide("web", ("strip", 1), event=event, context={"page": "/"})
    decided: Any = trials.desk.facts()[-1]
    command = of_logged(dry(trials.desk.decision_command()).customer, "main", decided.request)
    assert command.body["event"]["time_ms"] == trials.desk.shard.wall_ms
    told = Side(
        plan(), trials.stand().evidence, trials.stand().roles, trials.stand().units, trials.score
    ).decide(replace(trials.asked(command), command=dry(command, explain=True)))
    assert told.body is not None
    profile = trials.desk.profile()
    assert profile is not None
    assert told.body["explanation"]["versions"]["state"] == profile.state_version
    assert (command.body["context"], command.body["dry_run"], command.body["explain"]) == ({"page": "/"}, True, False)


def test_draws_follow_from_what_is_asked_and_from_whom() -> None:
    desk = Trials().desk
    same = [seed_of(desk.decision_command("web", ("hero", 1))) for _ in range(2)]
    assert same[0] == same[1]
    others = [
        desk.decision_command("web", ("hero", 1), context={"page": "/"}), desk.decision_command("web", ("strip", 1)),
        desk.decision_command("web", ("hero", 1), customer="c-3"),
    ]
    assert len({same[0], *map(seed_of, others)}) == 4


def test_a_version_that_was_not_reached_and_time_that_ran_out_are_skipped_with_the_reason() -> None:
    trials = Trials()
    early = trials.desk.decision_command("web", ("hero", 1), min_state_version=1_000)
    answer = trials.compare(plan(), early)
    assert answer["results"] == []
    assert answer["skipped"][0]["reason"].startswith("state_version 1000 was not reached")
    left = iter([True, False])
    trials.may_go_on = lambda: next(left)
    answer = trials.compare(plan(), *[trials.desk.decision_command("web", ("hero", 1)) for _ in range(2)])
    assert (len(answer["results"]), answer["asked"]) == (1, 2)
    assert answer["skipped"] == [{"customer_id": ME, "reason": "there was no time left; ask for fewer at once"}]


def test_units_are_those_at_the_shard_unless_the_candidate_says_otherwise() -> None:
    now_ms = Trials().desk.shard.wall_ms
    live = plan()
    here = {(one.id, period_key(one.period, now_ms, live.zone)): 3 for one in live.budgets.values()}
    accounts = {"pool": Account(12, 10), "daily": Account(9, 0), "minutes": Account(10, 4)}

    def units(candidate: Any) -> dict[str, int]:
        return {budget: n for (budget, _), n in units_under(live, candidate, here, accounts, now_ms).items()}

    assert units(live) == {"pool": 3, "daily": 3, "minutes": 3}
    raised = changed(lambda data: data["budgets"][0].update(cap=20), lambda data: data["budgets"][2].update(cap=5))
    assert units(raised) == {"pool": 10, "daily": 3, "minutes": 1}
    anew = changed(lambda data: data["budgets"][1].update(period="day"),
                   lambda data: data["budgets"].append({"id": "more", "unit": "EUR", "cap": 7}))
    assert units(anew) == {"pool": 3, "daily": 9, "minutes": 3, "more": 7}


def test_the_answer_remarks_what_begins_empty_and_what_is_free() -> None:
    trials = Trials()
    answer = trials.compare(
        changed(
            lambda data: data["features"][1].update(window="4h"),
            lambda data: data["features"].append({"id": "rate", "aggregate": "ratio", "of": ["spend", "baskets"]}),
            lambda data: data["budgets"][0].update(cap=20),
            lambda data: data["budgets"].append({"id": "more", "unit": "EUR", "cap": 7_000}),
            lambda data: data["contact_policies"][4].update(rest="2h"),
        ),
    )
    assert answer["notes"] == [
        "These features are new or counted anew and start empty: rate, spend.",
        "These contact policies know of no event before their publication: bought.",
        "The cap of budget 'pool' goes from 12 to 20 coupon; 0 are spent or held, so 20 are free.",
        "Budget 'more' is new, with all of its 7,000 EUR free.",
    ]
    notes = trials.compare(other_plan())["notes"]
    assert "These targets are new, so nobody has a score of them yet: best_channel, eagerness." in notes
    assert "Customers enter these experiments as on their first day: bolder, thrifty, trusting." in notes
    assert notes[-1].startswith("An experiment names scorer named-1, which is not registered or does not fit")


def test_a_customer_who_was_never_seen_is_decided_as_a_newcomer() -> None:
    trials = Trials()
    result = trials.hero(plan(), customer="c-3")
    assert (result["newcomer"], result["changed"]) == (True, False)
    trials.desk.event(customer="c-3")
    assert not trials.hero(plan(), customer="c-3")["newcomer"]
    assert whys(result) == {}
