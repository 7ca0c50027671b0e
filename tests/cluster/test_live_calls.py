"""Live numbers over HTTP: told once, then only that nothing is new; masked; and the processes in the status."""

from __future__ import annotations

from typing import Any

import httpx
from support.server import Server, eventually, fresh

from actors import access


def test_what_has_not_changed_is_not_told_again(server: Server) -> None:
    server.decide(fresh("live"), "app", "app_card")
    told = server.client.get("/v1/funnel")
    eventually("counts are told", lambda: server.client.get("/v1/funnel").status_code == 200)

    def is_quiet() -> bool:
        nonlocal told
        told = server.client.get("/v1/funnel")
        named = {"if-none-match": told.headers["etag"]}
        return server.client.get("/v1/funnel", headers=named).status_code == 304

    eventually("nothing is new", is_quiet)
    seen = server.client.get("/v1/live")
    assert int(seen.headers["x-data-age-ms"]) < 60_000
    decision = server.decide(fresh("live"), "app", "app_card")["decision_id"]

    def is_told() -> bool:
        answer = server.client.get("/v1/live", headers={"if-none-match": seen.headers["etag"]})
        return answer.status_code == 200 and decision in {one["decision_id"] for one in answer.json()["recent"]}

    eventually("the decision is told", is_told)
    before = {"if-none-match": told.headers["etag"]}
    eventually("it is counted, too", lambda: server.client.get("/v1/funnel", headers=before).status_code == 200)


def test_latencies_of_the_gateways_arrive(server: Server) -> None:
    server.decide(fresh("live"), "app", "app_card")

    def live() -> dict[str, Any]:
        found: dict[str, Any] = server.client.get("/v1/live").json()
        return found

    eventually("the quantiles are told", lambda: bool(live().get("p50_ms")))
    found = live()
    assert 0 < found["p50_ms"] <= found["p99_ms"] < 60_000


def test_who_may_not_read_customers_sees_none(server: Server) -> None:
    name, customer = fresh("key"), fresh("masked")
    key = access.create(access.FileAccess(server.data_dir), name, ["config:read"], now_ms=server.now_ms())
    headers = {"authorization": f"Bearer {key}"}
    decision = server.decide(customer, "app", "app_card")["decision_id"]
    with httpx.Client(base_url=server.url, headers=headers, timeout=30.0) as client:
        def told() -> str:
            return client.get("/v1/live").text

        eventually("the key counts and the decision is told", lambda: decision in told())
        assert customer not in told()
        caller = client.get("/v1/caller").json()
        assert (caller["name"], caller["tenant"], caller["scopes"]) == (name, "main", ["config:read"])
    assert customer in server.client.get("/v1/live").text


def test_the_status_tells_of_shards_and_of_what_serve_runs(server: Server) -> None:
    server.event(fresh("status"), "basket", total=1.0)
    eventually("restarts are known", lambda: server.get("/v1/status")["shards"][0]["restarts"] is not None)
    status = server.get("/v1/status")
    for shard in status["shards"]:
        assert shard["customers_resident"] >= 0
        assert shard["customers_passivated"] >= 0
        assert shard["checkpoint_age_s"] >= 0
        assert shard["append_p50_ms"] <= shard["append_p99_ms"]
    assert sum(shard["customers_resident"] for shard in status["shards"]) > 0
    gateway, = (one for one in status["serving"] if one["deployment"] == "Gateway")
    assert gateway["running"] >= 1
    assert gateway["state"] == "healthy"
