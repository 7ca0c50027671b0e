"""Why somebody would get something else, in words that a business reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from simulation.desk import HELD_OUT
from support.roles import champion
from unit.whatif.trials import Change, Trials, action, changed, whys

STORY = "The fallback 'story' fills the place."


def _policies(data: dict[str, Any]) -> list[Any]:
    found: list[Any] = data["contact_policies"]
    return found


def _drop_ten_off(data: dict[str, Any]) -> None:
    data["actions"] = [one for one in data["actions"] if one["id"] != "ten_off"]
    data["contact_policies"] = [one for one in data["contact_policies"] if one["id"] != "not_both"]


def _five_on_hero(value: float) -> Change:
    def change(data: dict[str, Any]) -> None:
        five = action(data, "five_off")
        five["treatments"].append({"id": "five_hero", "placement": "hero", "content": {"t": "five"}})
        five["value"] = value

    return change


@pytest.mark.parametrize(("change", "shown", "why"), [
    (_drop_ten_off, "story", f"'ten_off' is not in the new catalog. {STORY}"),
    (lambda data: action(data, "ten_off").update(eligibility="profile.baskets >= 5"), "story",
     "'ten_off' falls out: its eligibility rule `profile.baskets >= 5` does not hold for this customer; the rule is "
     f"new. {STORY}"),
    (lambda data: action(data, "ten_off").update(valid={"until": "2025-01-01T00:00:00Z"}), "story",
     f"'ten_off' falls out: it does not run at this time (valid until 2025-01-01T00:00:00Z). {STORY}"),
    (lambda data: data["budgets"][0].update(cap=1), "story",
     "'ten_off' falls out: budget 'pool' cannot pay for it (1 coupon free here, 2 needed); its cap goes from 12 to 1. "
     + STORY),
    (lambda data: data["arbitration"]["control_group"].update(share=1.0), "story",
     "'ten_off' falls out: the customer is in the control group 'held_out', which sees mandatory actions and fallbacks "
     f"alone; the control group is another. {STORY}"),
    (lambda data: action(data, "ten_off")["treatments"][0].update(when="profile.size > 3.0"), "story",
     "'ten_off' falls out: its treatment's condition `profile.size > 3.0` errs: no such field: size; the condition is "
     f"new. {STORY}"),
    (lambda data: action(data, "ten_off")["treatments"][0].update(content={"t": "TEN"}), "ten_off",
     "The content of treatment 'ten_hero' is another."),
    (lambda data: action(data, "ten_off")["treatments"][0].update(id="ten_large"), "ten_off",
     "Shown as 'ten_large' in place of 'ten_hero'."),
])
def test_the_hero_is_another_and_the_answer_says_why(change: Change, shown: str, why: str) -> None:
    trials = Trials()
    result = trials.hero(changed(change))
    assert result["changed"]
    assert whys(result)["hero", 1] == ("ten_off", shown, why)


def test_who_outranks_whom_is_told_with_the_number_that_moved() -> None:
    trials = Trials()
    trials.desk.event()
    candidate = changed(lambda data: action(data, "survey").update(value=9.0))
    (result,) = trials.compare(candidate, trials.desk.decision_command("desk", ("script", 1)))["results"]
    assert whys(result)["script", 1] == (
        "gift", "survey",
        "'survey' ranks above 'gift', priority 0.9 against 0.4 (before: 0.05 against 0.4); the value of 'survey' goes "
        "from 0.5 to 9.",
    )


def test_a_draw_is_told_as_a_draw() -> None:
    trials = Trials()
    always = changed(
        _five_on_hero(2.0), lambda data: _policies(data).pop(5),
        lambda data: data["arbitration"].update(exploration={"method": "epsilon", "share": 1.0}),
    )
    asked = [trials.desk.decision_command("web", ("hero", 1), context={"n": number}) for number in range(40)]
    answer = trials.compare(always, *asked)
    drawn = [whys(result)["hero", 1][2] for result in answer["results"] if result["changed"]]
    assert 5 < len(drawn) < 35
    assert set(drawn) == {
        "Exploration drew 'five_off' with probability 0.5, priority 0.22 against 0.33; exploration is another. "
        "'five_off' was kept out before: no treatment for hero; it has one now."
    }


def test_what_is_mandatory_now_is_told_so() -> None:
    trials = Trials()
    candidate = changed(
        _five_on_hero(2.0), lambda data: _policies(data).pop(5),
        lambda data: action(data, "five_off").update(mandatory=True),
    )
    (result,) = trials.compare(candidate, trials.desk.decision_command("web", ("hero", 1)))["results"]
    live, shown, why = whys(result)["hero", 1]
    assert (live, shown) == ("ten_off", "five_off")
    assert why.startswith("'five_off' is mandatory.")


def test_a_policy_that_is_new_and_one_that_is_gone_are_named() -> None:
    trials = Trials()
    trials.desk.decide("web", ("hero", 1))
    narrow = changed(lambda data: _policies(data).append({"id": "one", "limit": 1, "window": "2h"}))
    told = whys(trials.hero(narrow))
    live, candidate, why = told["strip", 1]
    assert (live is not None, candidate) == (True, None)
    assert "contact policy 'one' forbids it (1 of 1 used" in why
    assert "the policy is new" in why
    assert why.endswith("Nothing is left to show here.")
    wide = changed(lambda data: _policies(data).pop(2))
    live, candidate, why = whys(trials.hero(wide))["hero", 1]
    assert (live, candidate) == ("story", "ten_off")
    assert "'ten_off' was kept out before: contact policy 'once_an_hour' forbids it" in why
    assert why.endswith("the policy is gone.")


def test_a_rule_that_stayed_is_explained_by_what_it_reads() -> None:
    trials = Trials()
    trials.desk.event()
    ask = trials.desk.decision_command("desk", ("script", 2), exclude=["gift", "help"])
    segment = changed(lambda data: data["segments"][0].update(when="profile.baskets >= 9"))
    feature = changed(lambda data: data["features"][0].update(window="3h"))
    told = [whys(trials.compare(one, ask)["results"][0])["script", 1] for one in (segment, feature)]
    falls = "'survey' falls out: its applicability rule `segments.buyer` does not hold for this customer; "
    assert told == [
        ("survey", None, f"{falls}segment 'buyer' is defined anew. Nothing is left to show here."),
        ("survey", None, f"{falls}feature 'baskets' is counted anew and starts empty. Nothing is left to show here."),
    ]


def test_a_held_out_customer_is_held_out_on_both_sides() -> None:
    trials = Trials()
    result = trials.hero(changed(lambda data: action(data, "ten_off").update(value=9.0)), customer=HELD_OUT)
    assert not result["changed"]
    assert [result[side]["control_group"] for side in ("live", "candidate")] == ["held_out", "held_out"]
    freed = trials.hero(changed(lambda data: data["arbitration"].pop("control_group")), customer=HELD_OUT)
    assert whys(freed)["hero", 1][2] == (
        "'ten_off' was kept out before: the customer is in the control group 'held_out', which sees mandatory actions "
        "and fallbacks alone; the control group is another."
    )


def test_a_request_that_only_one_catalog_can_be_asked_is_told_so() -> None:
    trials = Trials()
    wider = changed(lambda data: data["placements"].append({"id": "footer", "channel": "web"}),
                    lambda data: action(data, "gift")["treatments"].append(
                        {"id": "gift_footer", "placement": "footer", "content": {"t": "gift"}}))
    asked = trials.desk.decision_command("web", ("footer", 1))
    (result,) = trials.compare(wider, asked)["results"]
    assert result["live"] == {"placements": [], "refused": result["live"]["refused"]}
    live, candidate, why = whys(result)["footer", 1]
    assert (live, candidate) == (None, "gift")
    assert why.startswith("The request does not fit the live catalog: unknown placement 'footer'")
    narrower = changed(lambda data: data["placements"][1].update(count_max=1))
    result = trials.hero(narrower)
    assert all(why.startswith("The request does not fit the new catalog: count 3 is over") for *_, why in
               whys(result).values())
    nowhere = trials.compare(narrower, trials.desk.decision_command("web", ("nowhere", 1)))
    assert (nowhere["results"], len(nowhere["skipped"])) == ([], 1)


def test_a_scorer_that_does_not_fit_leaves_the_candidate_to_evidence_and_is_named() -> None:
    trials = Trials()
    trials.adopt(champion("first", ("profile.spend", "action.value")))
    candidate = changed(lambda data: data["features"].pop(1))
    answer = trials.compare(candidate, trials.desk.decision_command("web", ("hero", 1)))
    (result,) = answer["results"]
    assert [result[side]["scorer_version"] for side in ("live", "candidate")] == ["first", None]
    assert [result[side]["placements"][0]["items"][0]["propensity"] for side in ("live", "candidate")] != [0.1, 0.1]
    assert answer["notes"] == [
        "Scorer first does not fit the new catalog: under it evidence alone decides for its customers."
    ]


def test_a_scorer_that_cannot_be_asked_leaves_both_sides_to_evidence() -> None:
    trials = Trials()
    trials.adopt(champion("first", ("profile.spend",)))
    trials.score = lambda version, matrix: None
    result = trials.hero(changed(lambda data: action(data, "gift").update(value=4.5)))
    assert [result[side]["degraded"] for side in ("live", "candidate")] == [True, True]
    trials.score = lambda version, matrix: np.full(len(matrix), 0.25, np.float32)
    assert not trials.hero(changed())["live"]["degraded"]


def test_a_move_is_told_with_what_moved_it_and_what_it_pushes_out() -> None:
    trials = Trials()
    told = whys(trials.hero(changed(lambda data: action(data, "help").update(value=9.0))))
    assert told == {
        ("strip", 1): (
            "gift", "help",
            "'help' ranks above 'gift', priority 0.9 against 0.4 (before: 0.1 against 0.4); the value of 'help' goes "
            "from 1 to 9. 'help' comes from 'strip', rank 2.",
        ),
        ("strip", 2): (
            "help", None,
            "'help' moves to 'strip', rank 1; the value of 'help' goes from 1 to 9. Nothing is left to show here.",
        ),
    }


def test_what_something_above_refused_is_told_by_the_policy_that_is_gone() -> None:
    trials = Trials()
    told = whys(trials.hero(changed(lambda data: _policies(data).pop(5))))
    live, candidate, why = told["strip", 2]
    assert (live, candidate) == ("help", "five_off")
    assert why == (
        "'help' moves to 'strip', rank 3. 'five_off' was kept out before: refused with the items above it: not_both: "
        "too close to ten_off, next free 2026-01-01T00:15:00Z; the policy is gone."
    )
    assert told["strip", 3] == (None, "help", "'help' comes from 'strip', rank 2.")


def test_a_draw_that_falls_otherwise_is_told_with_what_changed_everybodys_chances() -> None:
    def both_on_hero(data: dict[str, Any]) -> None:
        data["contact_policies"] = [one for one in data["contact_policies"] if one["id"] != "not_both"]
        _five_on_hero(2.0)(data)
        gift = action(data, "gift")
        gift["treatments"].append({"id": "gift_hero", "placement": "hero", "content": {"t": "gift"}})
        gift.pop("budget")

    trials = Trials()
    trials.desk.shard.adopt_plan(changed(both_on_hero), {})
    dearer = changed(both_on_hero, lambda data: action(data, "gift").update(value=40.0))
    asked = [trials.desk.decision_command("web", ("hero", 1), context={"n": number}) for number in range(60)]
    results = [whys(one) for one in trials.compare(dearer, *asked)["results"] if one["changed"]]
    told = {why["hero", 1] for why in results}
    assert {(live, candidate) for live, candidate, _ in told} == {("five_off", "ten_off"), ("ten_off", "gift")}
    assert all("the value of 'gift' goes from 4 to 40" in why for *_, why in told)


def test_a_condition_that_is_gone_and_a_treatment_that_is_new_are_told() -> None:
    def picky(data: dict[str, Any]) -> None:
        action(data, "ten_off")["treatments"][0]["when"] = "profile.baskets >= 3"

    trials = Trials()
    trials.desk.shard.adopt_plan(changed(picky), {})
    live, candidate, why = whys(trials.hero(changed()))["hero", 1]
    assert (live, candidate) == ("story", "ten_off")
    assert why == (
        "'ten_off' was kept out before: its treatment's condition `profile.baskets >= 3` does not hold for this "
        "customer; the condition is gone."
    )
