"""The counts over real processes: what timelines say, the same after kill -9, and never in a decision's way."""

from __future__ import annotations

from collections import Counter
from typing import Any

from support.server import Server, eventually, fresh

Cells = Counter[tuple[str, str, str]]
COUNTED = ("chosen", "fallback", "confirmed", "accepted", "negative")


def cells(server: Server) -> Cells:
    """(action, channel, what) -> how many, of all time."""
    found: Cells = Counter()
    for one in server.get("/v1/funnel", window="all")["actions"]:
        found.update({(one["action"], one["channel"], name): one[name] for name in COUNTED if one[name]})
    return found


def journal_rows(server: Server) -> dict[int, int]:
    return {one["shard"]: one["seq"] for one in server.get("/v1/status")["shards"]}


def read_to_the_end(server: Server) -> dict[str, Any]:
    """The live numbers once every row that there is now is counted."""
    wanted = journal_rows(server)
    last: dict[str, Any] = {}

    def is_read() -> bool:
        answer = server.client.get("/v1/live")
        if answer.status_code != 200:
            return False
        last.update(answer.json())
        return bool(last["caught_up"]) and all(one["seq"] >= wanted[one["shard"]] for one in last["shards"])

    eventually("every row is counted", is_read)
    return last


def from_timelines(server: Server, customers: list[str]) -> Cells:
    """The same numbers out of what each customer's timeline tells."""
    found: Cells = Counter()
    for customer in customers:
        items = [item for item in server.timeline(customer) if item["kind"] in ("decision", "outcome")]
        channel_of = {item["id"]: "app" for item in items if item["kind"] == "decision"}
        for item in items:
            body = item["body"]
            if item["kind"] == "decision":
                found.update(
                    (one["action"], "app", "fallback" if one["fallback"] else "chosen")
                    for placement in body["placements"] for one in placement["items"]
                )
            elif body["type"] != "none":
                where = body["action"], channel_of[body["decision_id"]]
                found[(*where, "confirmed")] += 1
                found[(*where, "accepted")] += body["type"] == "accept"
                found[(*where, "negative")] += body["type"] == "dismiss"
    return +found


def test_the_numbers_are_those_of_the_timelines_and_the_same_after_a_kill(server: Server) -> None:
    read_to_the_end(server)
    before = cells(server)
    customers = [fresh("insight") for _ in range(12)]
    for number, customer in enumerate(customers):
        told = server.decide(customer, "app", "app_card")
        for item in told["placements"][0]["items"]:
            if not item["fallback"] and number % 3 < 2:
                server.outcome(told["decision_id"], item["action"], ("accept", "dismiss")[number % 3])
    live = read_to_the_end(server)
    after = cells(server)
    after.subtract(before)
    assert {key: many for key, many in after.items() if many} == from_timelines(server, customers)
    recent = {one["customer_id"] for one in live["recent"]}
    assert recent & set(customers)

    everything = server.get("/v1/funnel", window="all")
    killed = server.kill("ray::Insight")
    assert server.decide(customers[0], "app", "app_card", dry_run=True)["dry_run"], "decisions do not need it"
    eventually("another one", lambda: {p.pid for p in server.processes("ray::Insight")} - {killed} != set())
    again = read_to_the_end(server)
    assert server.get("/v1/funnel", window="all") == everything
    assert {one["customer_id"] for one in again["recent"]} >= recent & set(customers)


def test_an_erased_customer_stays_counted_and_is_not_told_any_more(server: Server) -> None:
    customer = fresh("insight-erased")
    decision_id = server.decide(customer, "app", "app_card")["decision_id"]
    assert decision_id in {one["decision_id"] for one in read_to_the_end(server)["recent"]}
    before = cells(server)
    assert server.client.delete(f"/v1/customers/{customer}").status_code in (200, 204)
    live = read_to_the_end(server)
    assert decision_id not in {one["decision_id"] for one in live["recent"]}
    assert cells(server) == before
