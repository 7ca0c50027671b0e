"""Two tenants on one live installation, with keys that the command line made."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import httpx
import pytest
from support.server import Server, eventually, fresh, kairos

from models.times import format_time


@pytest.fixture
def other(server: Server) -> Iterator[httpx.Client]:
    """A client of another tenant than the server's own."""
    name = fresh("key")
    made = subprocess.run(
        [*kairos(), "key", "create", "--name", name, "--scope", "*", "--tenant", "acme", "--json",
         "--data-dir", str(server.data_dir)],
        check=True, capture_output=True, timeout=60,
    )
    headers = {"authorization": f"Bearer {json.loads(made.stdout)['key']}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=30.0) as client:
        eventually("the key counts", lambda: client.get("/v1/status").status_code == 200)
        yield client
    subprocess.run(
        [*kairos(), "key", "revoke", name, "--data-dir", str(server.data_dir)], check=True, timeout=60,
    )


def test_two_tenants_share_the_catalog_and_no_customer(server: Server, other: httpx.Client) -> None:
    customer, event_id = fresh("hh"), fresh("e")
    event = {"event_id": event_id, "customer_id": customer, "type": "basket", "time": format_time(server.now_ms()),
             "properties": {"total": 41.17}}
    server.post("/v1/events", {"events": [event]})
    mine = server.decide(customer, "web", "home_hero", request_id="r-1")
    before = server.get(f"/v1/customers/{customer}")

    assert other.get(f"/v1/customers/{customer}").status_code == 404
    assert other.get(f"/v1/decisions/{mine['decision_id']}/explanation").status_code == 404
    outcome = {"outcome_id": "o-1", "decision_id": mine["decision_id"], "action": "dairy_coupon", "type": "click",
               "time": format_time(server.now_ms())}
    (refused,) = other.post("/v1/outcomes", json={"outcomes": [outcome]}).json()["results"]
    assert (refused["status"], refused["error"]["status"]) == ("rejected", 404)
    (applied,) = other.post("/v1/events", json={"events": [event]}).json()["results"]
    assert (applied["status"], applied["state_version"]) == ("applied", 1)
    body = {"request_id": "r-1", "customer_id": customer, "channel": "web", "placements": [{"id": "home_hero"}]}
    theirs = other.post("/v1/decisions", json=body)
    assert theirs.status_code == 200
    assert theirs.json()["decision_id"] != mine["decision_id"]
    assert theirs.json()["catalog_version"] == mine["catalog_version"]
    assert other.delete(f"/v1/customers/{customer}").status_code == 200
    assert other.get("/v1/journal", params={"shard": 0}).status_code == 403
    assert server.get(f"/v1/customers/{customer}") == before
    assert server.get(f"/v1/decisions/{mine['decision_id']}/explanation")["decision_id"] == mine["decision_id"]


def test_each_tenant_sees_its_own_newest_decisions_and_the_counts_of_all(server: Server, other: httpx.Client) -> None:
    customer = fresh("live")
    mine = server.decide(customer, "web", "home_hero")["decision_id"]
    body = {"customer_id": customer, "channel": "web", "placements": [{"id": "home_hero"}]}
    theirs = other.post("/v1/decisions", json=body).json()["decision_id"]

    def seen_by(client: httpx.Client) -> set[str]:
        answer = client.get("/v1/live")
        return {one["decision_id"] for one in answer.json()["recent"]} if answer.status_code == 200 else set()

    eventually("both are told to their own", lambda: mine in seen_by(server.client) and theirs in seen_by(other))
    assert theirs not in seen_by(server.client)
    assert mine not in seen_by(other)
    counted = [client.get("/v1/funnel", params={"window": "all"}).json() for client in (server.client, other)]
    assert counted[0]["decisions"] == counted[1]["decisions"] > 1
