"""Money and caps, and the cluster: the API's numbers, and what is not as it should be."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import pytest
from support.console_browser import Browser
from unit.console import told_by_api as api


def browser(**answers: Any) -> Browser:
    made = Browser()
    told = {
        "live": api.live(), "funnel": api.funnel("day"), "catalog": api.CATALOG, "budgets": api.BUDGETS,
        "clock": api.CLOCK, "status": api.STATUS,
    }
    made.api.answers.update({("GET", f"/v1/{name}"): value for name, value in {**told, **answers}.items()})
    return made


def page(made: Browser, path: str) -> str:
    answer = asyncio.run(made.get(path))
    assert answer.status_code == 200
    return answer.text


def test_every_number_of_a_budget_and_of_its_shards_is_in_the_page() -> None:
    text = page(browser(), "/console/money")
    for budget in api.BUDGETS["budgets"]:
        for name in ("cap", "spent", "held", "available", "granted", "unfunded"):
            assert f'<data value="{budget[name]}">' in text, (budget["id"], name)
        for share in budget["shards"]:
            assert f'<td class="num">{share["shard"]}</td><td class="num"><data value="{share["granted"]}">' in text
    assert "$870" in text
    assert "too fast" in text
    assert "nothing free" in text


def test_each_policy_says_what_it_is_and_how_often_it_refused() -> None:
    text = page(browser(), "/console/money?window=week")
    assert "at most 1 in 24h; channel push" in text
    assert '<data value="8801">8,801</data>' in text
    assert "74.6%" in text
    assert 'data-live="/console/money/live?window=week"' in text


def test_a_catalog_without_budgets_says_how_to_have_one() -> None:
    empty = api.funnel("day") | {"policies": [], "budgets": []}
    text = page(browser(budgets={"budgets": []}, funnel=empty), "/console/money")
    assert "curl -s -X PUT http://kairos/v1/catalog" in text
    assert "contact_policies:" in text


def test_the_live_part_of_money_changes_with_money_and_with_the_passing_of_its_period() -> None:
    async def ask() -> list[int]:
        made = browser()
        first = await made.live("/console/money/live")
        found = [(await made.live("/console/money/live", first.headers["etag"])).status_code]
        made.api.answers["GET", "/v1/clock"] = {"time": "2026-11-22T18:20:11Z", "mode": "wall"}
        found.append((await made.live("/console/money/live", first.headers["etag"])).status_code)
        return found

    assert asyncio.run(ask()) == [304, 200]


def test_a_cluster_that_is_well_says_so_and_shows_every_shard() -> None:
    text = page(browser(), "/console/cluster")
    assert "Everything is as it should be." in text
    for shard in api.STATUS["shards"]:
        assert f'<data value="{shard["seq"]}">' in text
        assert f'<data value="{shard["append_p99_ms"]}">' in text
    assert "marked-" not in text


def test_a_shard_that_committed_nothing_yet_has_no_latency_rather_than_none_at_all() -> None:
    status = copy.deepcopy(api.STATUS)
    for shard in status["shards"]:
        shard |= {"append_p50_ms": 0.0, "append_p99_ms": 0.0}
    assert ">0 ms<" not in page(browser(status=status), "/console/cluster")


def test_what_is_wrong_is_red_and_stands_beside_the_line_of_the_runbook() -> None:
    text = page(browser(status=api.troubled_status()), "/console/cluster")
    assert text.count("marked-bad") >= 4
    assert "A backlog in one shard alone is one busy customer" in text
    assert "<code>kairos status</code> says where it is" in text
    assert 'href="/console/cluster/runbook#a-shard-does-not-answer"' in text


def test_the_live_part_of_the_cluster_is_sent_again_when_something_changed_not_when_time_passed() -> None:
    async def ask() -> list[int]:
        made = browser()
        first = await made.live("/console/cluster/live")
        found = []
        for more in ({"reported_ms_ago": 7, "checkpoint_age_s": 15.0}, {"seq": 48_212}, {"checkpoint_age_s": 24.0}):
            shards = [{**api.STATUS["shards"][0], **more}, api.STATUS["shards"][1]]
            made.api.answers["GET", "/v1/status"] = {**api.STATUS, "shards": shards}
            found.append((await made.live("/console/cluster/live", first.headers["etag"])).status_code)
        return found

    assert asyncio.run(ask()) == [304, 200, 200]


def test_without_coordinator_and_insight_the_page_shows_what_is_left() -> None:
    status = {"coordinator": False, "degraded": True, "shards": api.STATUS["shards"]}
    made = browser(status=status)
    made.api.refuse("GET", "/v1/live", 503, "away")
    text = page(made, "/console/cluster")
    assert "shards decide on what they hold" in text
    assert "Insight does not answer" in text


@pytest.mark.parametrize("anchor", ["a-shard-does-not-answer", "the-numbers-of-the-console-are-old"])
def test_the_runbook_can_be_read_without_the_repository(anchor: str) -> None:
    text = page(browser(), "/console/cluster/runbook")
    assert f'id="{anchor}"' in text
    assert "```" not in text
    assert "**" not in text


def test_markup_in_names_of_budgets_and_shards_stays_text() -> None:
    budgets = {"budgets": [{**api.BUDGETS["budgets"][1], "id": "<script>", "unit": "<b>"}]}
    status = {**api.STATUS, "scorer_note": "<script>alert(1)"}
    assert "<script>" not in page(browser(budgets=budgets), "/console/money").replace("<script defer", "")
    assert "<script>alert" not in page(browser(status=status), "/console/cluster")
