"""Every page shows what the API says, after a replay of real data and after whoever counts was killed."""

from __future__ import annotations

from typing import Any

from console.conftest import Opens, counted
from playwright.sync_api import Page
from support.pages import figure, go, number, says, table
from support.server import Server, eventually

INSIGHT = "ray::Insight"


def shows_the_counts(page: Page, told: dict[str, Any]) -> None:
    go(page, "/now", window="all")
    assert number(figure(page, "Decisions")) == told["decisions"] > 0
    gates = {one["gate"]: one for one in told["gates"]}
    rows = table(page, "gates")
    assert number(rows[0]["Remaining"]) == gates["candidates"]["remaining"]
    assert sum(number(row["Removed"]) for row in rows[1:]) == sum(one["removed"] for one in told["gates"])
    shown = {(row["Action"], row["Channel"]): row for row in table(page, "accepted")}
    confirmed = [one for one in told["actions"] if one["confirmed"]]
    assert confirmed
    for one in confirmed:
        row = shown[one["action"], one["channel"]]
        assert number(row["Chosen"]) == one["chosen"]
        assert number(row["Confirmed"]) == one["confirmed"]
        assert number(row["Accepted"]) == one["accepted"]


def test_now_shows_the_counts_of_the_api(opens: Opens, shop: Server) -> None:
    page, _ = opens()
    shows_the_counts(page, counted(shop))


def test_counts_are_the_same_after_the_one_who_counts_was_killed(opens: Opens, shop: Server) -> None:
    before = counted(shop)
    killed = shop.kill(INSIGHT)
    eventually("another counts", lambda: {one.pid for one in shop.processes(INSIGHT)} - {killed} != set())
    after = counted(shop)
    assert {**after, "version": 0} == {**before, "version": 0}
    page, _ = opens()
    shows_the_counts(page, after)


def test_money_shows_the_budgets_and_policies_of_the_api(opens: Opens, shop: Server) -> None:
    told = counted(shop)
    page, _ = opens()
    go(page, "/money", window="all")
    budgets = {one["id"]: one for one in shop.get("/v1/budgets")["budgets"]}
    rows = table(page, "budgets")
    assert {row["Budget"] for row in rows} == set(budgets)
    for row in rows:
        mine = budgets[row["Budget"]]
        found = [number(row[name]) for name in ("Cap", "Spent", "Held", "Free", "Granted", "Unfunded")]
        assert found == [mine[name] for name in ("cap", "spent", "held", "available", "granted", "unfunded")]
    policies = {row["Policy"]: (number(row["Granted"]), number(row["Refused"])) for row in table(page, "policies")}
    assert policies == {one["policy"]: (one["granted"], one["refused"]) for one in told["policies"]}


def test_cluster_shows_what_every_shard_tells(opens: Opens, shop: Server) -> None:
    page, _ = opens()
    status = shop.get("/v1/status")
    go(page, "/cluster")
    rows = table(page, "shards")
    assert len(rows) == len(status["shards"])
    for row, shard in zip(rows, status["shards"], strict=True):
        assert (number(row["Shard"]), number(row["Epoch"])) == (shard["shard"], shard["epoch"])
        assert number(row["Memory"]) == shard["customers_resident"]
        assert row["Catalog"] in shard["catalog_version"]
    assert "Everything is as it should be" in says(page)


def test_a_customer_and_a_decision_are_shown_as_the_api_tells_them(opens: Opens, shop: Server) -> None:
    counted(shop)
    recent = shop.get("/v1/live")["recent"]
    one = next(decision for decision in recent if decision["chosen"])
    page, _ = opens()
    go(page, "/customer", id=one["customer_id"])
    customer = shop.get(f"/v1/customers/{one['customer_id']}")
    shown = {row["Name"]: row["Value"] for row in table(page, "table-features")}
    assert set(shown) == set(customer["features"])
    assert len(table(page, "timeline")) == min(len(shop.timeline(one["customer_id"])), 50)
    go(page, f"/why/{one['decision_id']}")
    explanation = shop.get(f"/v1/decisions/{one['decision_id']}/explanation")
    chosen = [candidate for candidate in explanation["candidates"] if "rank" in candidate]
    rows = table(page, "candidates-chosen")
    assert len(rows) == len(chosen)
    assert all(any(candidate["action"] in " ".join(row.values()) for row in rows) for candidate in chosen)
    for gate in {candidate["removed_by"] for candidate in explanation["candidates"] if "removed_by" in candidate}:
        mine = [candidate for candidate in explanation["candidates"] if candidate.get("removed_by") == gate]
        assert len(table(page, f"candidates-{gate}")) == min(len(mine), 100)
