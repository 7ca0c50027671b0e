"""The page Why: every candidate and what became of it, again, and beside the same question asked now."""

from __future__ import annotations

import asyncio

import pytest
from support import console_people
from support.console_browser import Browser, shown, words
from support.console_people import CUSTOMER, DECISION

from cluster.console.views import why

PAGE = f"/console/why/{DECISION}"


def test_every_candidate_is_there_once_under_what_became_of_it(browser: Browser) -> None:
    page = shown(browser, PAGE)
    for candidate in console_people.explanation()["candidates"]:
        gate = candidate.get("removed_by", "chosen")
        part = page.split(f'id="gate-{gate}"')[1].split("</details>")[0]
        assert f'<span class="id">{candidate["action"]}</span>' in part or f'>{candidate["action"]}</a>' in part


def test_the_decision_is_told_in_a_sentence(browser: Browser) -> None:
    told = words(shown(browser, PAGE))
    assert f"on web , for {CUSTOMER} : of 19 things that could have been said, 6 passed every gate and 2 were" in told


@pytest.mark.parametrize(("action", "said"), [
    ("come_back", "come_back was not shown: this customer is not eligible for it. segments.lapsing rule is false"),
    ("double", "double_points was not shown: the budget that pays for it had no units free. coupon_pool 0 coupon free"),
    ("dairy_coupon", "dairy_coupon was shown in home_hero, rank 1."),
])
def test_one_action_is_answered_for_without_script(browser: Browser, action: str, said: str) -> None:
    assert said in words(shown(browser, f"{PAGE}?action={action}"))


def test_only_actions_that_were_asked_for_are_listed(browser: Browser) -> None:
    page = shown(browser, f"{PAGE}?action=coffee")
    assert 'id="gate-contact_policy"' in page
    assert 'id="gate-chosen"' not in page


def test_an_action_that_was_no_candidate_is_said_to_be_none(browser: Browser) -> None:
    page = shown(browser, f"{PAGE}?action=%3Cscript%3E")
    assert "No candidate is called like" in page
    assert "<script>" not in page.replace("<script defer", "")


def test_running_it_again_shows_both_hashes(browser: Browser) -> None:
    answer = asyncio.run(browser.post(f"{PAGE}/rerun", {}))
    assert "The same bytes" in answer.text
    assert answer.text.count("ab31" * 16) == 2
    (asked,) = browser.api.calls("POST", f"/v1/decisions/{DECISION}:rerun")
    assert asked.headers["authorization"].startswith("Bearer ")


def test_other_bytes_are_told_as_an_alarm(browser: Browser) -> None:
    browser.api.answers["POST", f"/v1/decisions/{DECISION}:rerun"] = {
        "same": False, "bytes": 812, "logged_sha256": "aa" * 32, "rerun_sha256": "bb" * 32,
    }
    answer = asyncio.run(browser.post(f"{PAGE}/rerun", {}))
    assert "notice-bad" in answer.text
    assert f"kairos audit --decision {DECISION}" in answer.text


def test_the_same_question_asked_now_stands_beside_it(browser: Browser) -> None:
    told = words(shown(browser, f"{PAGE}?now=1"))
    assert "2 of 19 candidates come out otherwise" in told
    assert "home_hero #1 dairy_coupon wine_club" in told
    (asked,) = browser.api.calls("POST", "/v1/explanations")
    assert set(asked.data) == {"customer_id", "channel", "placements", "context", "exclude", "event"}
    assert asked.data["event"] == {"type": "page_view", "channel": "web", "properties": {"page": "/"}}


def test_a_question_that_cannot_be_asked_any_more_leaves_the_page_whole(browser: Browser) -> None:
    error = {"loc": ["placements", 0, "id"], "msg": "gone"}
    browser.api.refuse("POST", "/v1/explanations", 422, "it does not fit", error)
    told = words(shown(browser, f"{PAGE}?now=1"))
    assert "The same question cannot be asked now it does not fit gone" in told
    assert "bakery_morning" in told


def test_an_unknown_decision_is_a_page_that_says_what_to_do(browser: Browser) -> None:
    page = shown(browser, "/console/why/nobody", 404)
    assert "There is no such decision" in page


def test_without_profiles_read_the_page_names_the_scope() -> None:
    browser = Browser.with_scopes("config:read")
    page = shown(browser, PAGE, 403)
    assert "profiles:read" in page
    assert browser.api.calls("GET", f"/v1/decisions/{DECISION}") == []


def test_all_candidates_come_as_a_file(browser: Browser) -> None:
    text = shown(browser, f"{PAGE}/candidates")
    assert len(text.splitlines()) == 1 + len(console_people.explanation()["candidates"])
    assert text.startswith("action,outcome,rule,detail,placement,rank,")


def test_the_newest_decisions_are_offered_and_an_id_leads_to_its_page(browser: Browser) -> None:
    assert "/console/why/d-0001" in shown(browser, "/console/why")
    answer = asyncio.run(browser.get("/console/why?decision_id=a%2Fb"))
    assert answer.headers["location"] == "/console/why/a%2Fb"


def test_candidates_beyond_a_page_are_counted_and_found_by_name() -> None:
    many = why.candidates({"candidates": [
        {"action": f"a{n}", "removed_by": "eligibility", "rule": "x", "detail": "rule is false"} for n in range(5_000)
    ]})
    (group,) = why.grouped(many, "", 100)
    assert (len(group.shown), group.total) == (100, 5_000)
    found = why.answer_for(many, "a4999")
    assert found is not None
    assert found.gate.id == "eligibility"


def test_the_funnel_tells_what_each_gate_removed() -> None:
    steps = why.steps({"candidates": 10, "request": 10, "eligibility": 4, "budget": 4, "ranked": 4, "chosen": 1})
    assert [(step.gate, step.removed, step.remaining) for step in steps] == [
        ("request", 0, 10), ("eligibility", 6, 4), ("budget", 0, 4), ("chosen", 3, 1),
    ]
