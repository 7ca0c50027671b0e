"""The contract's example, call by call, on a live server."""

from __future__ import annotations

import subprocess

import httpx
import msgpack
from support.server import Server, fresh, kairos

HOUR_MS = 3_600_000


def test_a_shopper_is_offered_dairy_and_everybody_can_see_why(server: Server) -> None:
    customer = fresh("hh")
    first = server.event(customer, "basket", total=41.17, departments=["DAIRY", "PRODUCE"])
    assert first["status"] == "applied"
    assert first["state_version"] == 1
    answer = server.decide(
        customer, "web", "home_hero", request_id=fresh("r"), explain=True, event={"type": "page_view"},
        min_state_version=1,
    )
    assert answer["state_version"] == 3
    assert answer["degraded"] is False
    assert [placement["placement"] for placement in answer["placements"]] == ["home_hero"]
    explanation = server.get(f"/v1/decisions/{answer['decision_id']}/explanation")
    assert explanation["versions"]["state"] == 2
    counts = list(explanation["funnel"].values())
    assert counts == sorted(counts, reverse=True)
    names = [candidate["action"] for candidate in explanation["candidates"]]
    assert len(names) == len(set(names)) == explanation["funnel"]["candidates"]
    shown = server.get(f"/v1/customers/{customer}")
    assert shown["features"]["baskets_28d"] == 1
    assert shown["features"]["spend_28d"] == 41.17
    kinds = [item["kind"] for item in server.timeline(customer)]
    assert kinds == ["decision", "event", "event"]


def test_the_same_request_gets_the_same_bytes_and_another_body_a_conflict(server: Server) -> None:
    body = {"request_id": fresh("r"), "customer_id": fresh("c"), "channel": "app", "placements": [{"id": "app_card"}]}
    first = server.client.post("/v1/decisions", json=body)
    again = server.client.post("/v1/decisions", json={**body, "deadline_ms": 900})
    assert again.content == first.content
    other = server.client.post("/v1/decisions", json={**body, "context": {"page": "/x"}})
    assert other.status_code == 409
    packed = server.client.post(
        "/v1/decisions", content=msgpack.packb(body), headers={"content-type": "application/msgpack"},
    )
    assert msgpack.unpackb(packed.content) == first.json()


def test_a_withdrawn_consent_binds_the_very_next_decision(server: Server) -> None:
    customer = fresh("c")
    server.event(customer, "cart_abandoned")
    server.put(f"/v1/customers/{customer}/consent", {"marketing": True})
    dry = server.decide(customer, "push", "push_message", dry_run=True)
    assert [item["action"] for item in dry["placements"][0]["items"]] == ["cart_reminder"]
    server.put(f"/v1/customers/{customer}/consent", {"marketing": False})
    refused = server.decide(customer, "push", "push_message", explain=True)
    assert refused["placements"][0]["items"] == []
    assert refused["explanation"]["funnel"]["consent"] == 0


def test_one_push_a_day_holds_until_the_hold_ends_and_no_longer(server: Server) -> None:
    customer = fresh("c")
    server.event(customer, "cart_abandoned")
    server.put(f"/v1/customers/{customer}/consent", {"marketing": True})
    first = server.decide(customer, "push", "push_message")
    assert [item["action"] for item in first["placements"][0]["items"]] == ["cart_reminder"]
    assert server.decide(customer, "push", "push_message")["placements"][0]["items"] == []
    released = server.outcome(first["decision_id"], "cart_reminder", "not_shown")
    assert released["status"] == "applied"
    second = server.decide(customer, "push", "push_message")
    assert len(second["placements"][0]["items"]) == 1


def test_an_erased_customer_is_gone_and_may_begin_again(server: Server) -> None:
    customer = fresh("c")
    server.event(customer, "basket", total=1.0)
    receipt = server.client.delete(f"/v1/customers/{customer}")
    assert receipt.status_code == 200
    assert server.client.delete(f"/v1/customers/{customer}").json() == receipt.json()
    assert server.client.get(f"/v1/customers/{customer}").status_code == 404
    assert server.client.get(f"/v1/customers/{customer}/timeline").status_code == 404
    again = server.event(customer, "basket", total=2.0)
    assert again["state_version"] == 1


def test_a_call_without_a_key_learns_nothing_but_health(server: Server) -> None:
    with httpx.Client(base_url=server.url) as nobody:
        assert nobody.get("/healthz").status_code == 200
        assert nobody.get("/readyz").status_code == 200
        assert nobody.get("/openapi.json").status_code == 200
        for path in ("/v1/status", "/v1/catalog", "/v1/budgets", "/metrics", "/v1/customers/x"):
            answer = nobody.get(path)
            assert answer.status_code == 401, path
            assert answer.headers["content-type"] == "application/problem+json"


def test_every_decision_of_this_session_runs_again_to_the_same_bytes(server: Server) -> None:
    server.decide(fresh("c"), "web", "home_hero", "home_strip")
    done = subprocess.run(
        [*kairos(), "audit", "--all", "--json", "--data-dir", str(server.data_dir)],
        capture_output=True, text=True, check=False, timeout=120,
    )
    assert done.returncode == 0, done.stderr + done.stdout
