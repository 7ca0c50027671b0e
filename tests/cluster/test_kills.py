"""kill -9 of each kind of process while clients work: nothing acknowledged is lost, nothing promised is exceeded."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from support.server import Server, eventually, fresh


def test_no_acknowledged_event_is_lost_when_a_shard_is_killed(server: Server) -> None:
    customers = [fresh("k") for _ in range(8)]
    acknowledged: dict[str, set[str]] = {customer: set() for customer in customers}
    stop = threading.Event()

    def feed(customer: str) -> None:
        while not stop.is_set() or len(acknowledged[customer]) < 20:
            event = {"event_id": fresh("e"), "customer_id": customer, "type": "basket", "time": clock,
                     "properties": {"total": 1.0}}
            result = server.retried("/v1/events", {"events": [event]})["results"][0]
            assert result["status"] in ("applied", "duplicate")
            acknowledged[customer].add(event["event_id"])

    clock = server.get("/v1/clock")["time"]
    with ThreadPoolExecutor(len(customers)) as pool:
        running = [pool.submit(feed, customer) for customer in customers]
        eventually("some events", lambda: all(len(ids) > 3 for ids in acknowledged.values()))
        killed = server.kill("ray::ProfileShard")
        eventually("the shard is back", lambda: server.client.get("/readyz").status_code == 200
                   and killed not in {p.pid for p in server.processes("ray::ProfileShard")})
        stop.set()
        for one in running:
            one.result(timeout=120)
    for customer in customers:
        found = [item["id"] for item in server.timeline(customer) if item["kind"] == "event"]
        assert len(found) == len(set(found))
        assert acknowledged[customer] <= set(found)


def test_one_push_a_day_whatever_many_channels_ask_at_once_while_a_shard_dies(server: Server) -> None:
    customer = fresh("hot")
    server.put(f"/v1/customers/{customer}/consent", {"marketing": True})
    server.event(customer, "cart_abandoned")
    bodies: list[dict[str, Any]] = [
        {"request_id": fresh("r"), "customer_id": customer, "channel": "push", "placements": [{"id": "push_message"}]}
        for _ in range(40)
    ]
    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(server.retried, "/v1/decisions", body) for body in bodies]
        server.kill("ray::ProfileShard")
        answers = [one.result(timeout=120) for one in asked]
    granted = [a["decision_id"] for a in answers if a["placements"][0]["items"]]
    assert len(granted) == 1
    assert [hold["decision_id"] for hold in server.get(f"/v1/customers/{customer}")["holds"]] == granted


def test_a_dead_scorer_degrades_decisions_and_delays_none(server: Server) -> None:
    killed = server.kill("ray::ServeReplica:kairos-scorer")
    eventually("it is dead", lambda: killed not in {p.pid for p in server.processes("ray::ServeReplica:kairos-scorer")})
    answer = server.decide(fresh("c"), "app", "app_card", deadline_ms=1_000)
    assert answer["degraded"] is True
    assert [item["action"] for item in answer["placements"][0]["items"]] == ["ask_feedback"]
    eventually("the scorer is asked again",
               lambda: not server.decide(fresh("c"), "app", "app_card", dry_run=True)["degraded"])


def test_decisions_go_on_while_the_coordinator_is_dead_and_it_comes_back(server: Server) -> None:
    killed = server.kill("ray::Coordinator")
    assert server.decide(fresh("c"), "app", "app_card")["placements"][0]["items"]
    eventually("a new coordinator", lambda: {p.pid for p in server.processes("ray::Coordinator")} - {killed} != set())
    eventually("it answers", lambda: server.client.get("/v1/budgets").status_code == 200)
    budgets = {budget["id"]: budget for budget in server.get("/v1/budgets")["budgets"]}
    assert budgets["coupon_pool"]["cap"] == 5000


def test_the_gateway_comes_back_by_itself(server: Server) -> None:
    body = {"request_id": fresh("r"), "customer_id": fresh("c"), "channel": "app", "placements": [{"id": "app_card"}]}
    first = server.post("/v1/decisions", body)
    server.kill("ray::ServeReplica:kairos:")
    assert server.retried("/v1/decisions", body) == first
