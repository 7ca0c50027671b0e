"""Now: the API's numbers, masked where they must be, with what to do where there are none."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest
from support.console_browser import Browser
from unit.console import told_by_api as api


def browser(live: dict[str, Any] | None = None, funnel: dict[str, Any] | None = None) -> Browser:
    made = Browser()
    made.api.answers.update({
        ("GET", "/v1/live"): live or api.live(), ("GET", "/v1/funnel"): funnel or api.funnel(),
        ("GET", "/v1/catalog"): api.CATALOG,
    })
    return made


def page(made: Browser, path: str = "/console/now") -> str:
    answer = asyncio.run(made.get(path))
    assert answer.status_code == 200
    return answer.text


def nothing() -> tuple[dict[str, Any], dict[str, Any]]:
    live = api.live() | {
        "at": None, "minutes": [], "recent": [], "rate_per_s": 0.0, "p50_ms": None, "p99_ms": None,
        "degraded_share": None,
    }
    funnel = api.funnel() | {
        "from": None, "to": None, "decisions": 0, "degraded": 0, "held_out": 0, "actions": [], "policies": [],
        "budgets": [], "gates": [{**gate, "removed": 0, "remaining": 0} for gate in api.funnel()["gates"]],
    }
    return live, funnel


def test_every_number_of_the_api_is_in_the_page() -> None:
    text, funnel = page(browser()), api.funnel()
    for gate in funnel["gates"]:
        if gate["gate"] not in ("ranked", "candidates"):
            assert f'<data value="{gate["removed"]}">' in text, gate["gate"]
            assert f'<data value="{gate["remaining"]}">' in text, gate["gate"]
    for cell in funnel["actions"]:
        for name in ("chosen", "confirmed", "accepted"):
            assert f'<data value="{cell[name]}">' in text, (cell["action"], name)
    for minute in api.live()["minutes"]:
        assert f'<data value="{minute["decisions"]}">' in text
    assert '<data value="24.3">24.3</data>' in text
    assert "17.2 ms" in text
    assert "0.31%" in text


def test_no_rate_stands_without_its_counts_and_its_interval() -> None:
    text = page(browser())
    rates = re.findall(r"<td class=\"num rate\">(?:(?!</td>).)*?%</data>(?:(?!</td>).)*</td>", text, re.S)
    assert len(rates) == 12
    assert all(re.search(r"% to [\d.]+% · [\d,]+ of [\d,]+</small>", rate) for rate in rates)


def test_each_decision_leads_to_why_and_its_customer_to_their_page() -> None:
    text, (first, *_) = page(browser()), api.live()["recent"]
    assert f'href="/console/why/{first["decision_id"]}"' in text
    assert f'href="/console/customer?id={first["customer_id"]}"' in text
    assert 'action="/console/customer"' in text
    assert 'Shown: <data value="0.41">41%</data>' in text


def test_a_customer_whom_the_viewer_may_not_see_is_hidden_and_says_why() -> None:
    live = api.live()
    live["recent"] = [{**one, "customer_id": None} for one in live["recent"]]
    text = page(browser(live))
    assert "profiles:read" in text
    assert "customer?id=" not in text


def test_markup_in_ids_stays_text() -> None:
    live, funnel = api.live(), api.funnel()
    live["recent"][0] |= {"customer_id": "<script>x</script>", "decision_id": "<b>", "channel": "<i>web"}
    funnel["actions"][0] |= {"action": "<img src=x>", "channel": "<u>"}
    text = page(browser(live, funnel))
    for raw in ("<script>x", "<b>", "<i>web", "<img", "<u>"):
        assert raw not in text


@pytest.mark.parametrize(("query", "asked"), [
    ("", {"window": "hour"}), ("?window=week&channel=web&action=come_back", {
        "window": "week", "channel": "web", "action": "come_back"}),
    ("?window=nonsense&channel=", {"window": "hour"}),
])
def test_window_channel_and_action_are_asked_for_by_plain_links_and_forms(query: str, asked: dict[str, str]) -> None:
    made = browser()
    text = page(made, f"/console/now{query}")
    (call,) = made.api.calls("GET", "/v1/funnel")
    assert dict(call.params) == asked
    assert f'data-live="/console/now/live?window={asked["window"]}' in text
    assert text.count('aria-current="true"') == 1
    if "action" in asked:
        assert "<option selected>come_back</option>" in text


def test_the_live_part_is_sent_again_only_when_something_changed_and_says_how_old_it_is() -> None:
    async def ask() -> list[httpx.Response]:
        made = browser()
        first = await made.live("/console/now/live?window=hour")
        same = await made.live("/console/now/live?window=hour", first.headers["etag"])
        made.api.answers["GET", "/v1/live"] = api.live() | {"version": 5}
        return [first, same, await made.live("/console/now/live?window=hour", first.headers["etag"])]

    first, same, other = asyncio.run(ask())
    assert (first.status_code, same.status_code, other.status_code) == (200, 304, 200)
    assert first.headers["x-data-age-ms"] == same.headers["x-data-age-ms"] == "240"
    assert "<html" not in first.text
    assert 'id="now-filter" data-keep' in first.text


def test_before_the_first_decision_the_page_says_how_to_ask_for_one() -> None:
    text = page(browser(*nothing()))
    assert "curl -s http://kairos/v1/decisions" in text
    assert "Nothing was shown in the last hour" in text
    assert "data-chart" not in text


def test_counts_that_are_still_catching_up_are_said_to_be() -> None:
    assert "4,120" in page(browser(api.live() | {"caught_up": False, "behind_rows": 4_120}))


def test_while_insight_is_away_the_page_says_so_and_tries_again() -> None:
    made = browser()
    made.api.refuse("GET", "/v1/live", 503, "Insight does not answer")
    answer = asyncio.run(made.get("/console/now"))
    assert answer.status_code == 503
    assert "Insight does not answer" in answer.text


def test_without_the_scope_the_page_names_it() -> None:
    answer = asyncio.run(Browser.with_scopes("profiles:read").get("/console/now"))
    assert answer.status_code == 403
    assert "config:read" in answer.text
