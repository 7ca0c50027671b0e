"""The gateway over real shard cores: the contract from body to body, without Ray."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgpack
import pytest
from simulation.catalog import plan
from simulation.disk import SimulatedDisk
from simulation.shard import SimulatedShard
from unit.gateway.doubles import FakeBackend, Served

from models.turn.commands import Command, Reply

NOW_MS = 1_793_660_591_000
NOW = "2026-11-02T23:03:11Z"
ASKED = {"request_id": "r-1", "customer_id": "c-0", "channel": "web", "placements": [{"id": "hero"}]}


class CoreBackend(FakeBackend):
    """One real shard over a simulated disk."""

    def __init__(self) -> None:
        super().__init__(self.turn)
        self.core = SimulatedShard(SimulatedDisk(), NOW_MS)
        self.core.adopt_plan(plan(), {("pool", ""): 12})

    async def turn(self, _: int, commands: list[Command]) -> list[Reply]:
        return self.core.turn(commands)


@pytest.fixture
def served(tmp_path: Path) -> Any:
    served = Served(tmp_path, CoreBackend(), shards=1)
    yield served
    served.backend.core.validate()


def event(number: int, **changes: Any) -> dict[str, Any]:
    return {"event_id": f"e-{number}", "customer_id": "c-0", "type": "basket", "time": NOW,
            "properties": {"total": 10.0}} | changes


def test_the_same_request_gets_the_same_bytes_and_changes_nothing_more(served: Served) -> None:
    first = served.ask("POST", "/v1/decisions", json=ASKED)
    again = served.ask("POST", "/v1/decisions", json=ASKED | {"deadline_ms": 900, "min_state_version": 1})
    assert first.status_code == 200, first.text
    assert first.json()["placements"][0]["placement"] == "hero"
    assert again.content == first.content
    other = served.ask("POST", "/v1/decisions", json=ASKED | {"context": {"page": "/"}})
    assert (other.status_code, other.json()["request_id"]) == (409, "r-1")


def test_the_same_request_in_the_other_encoding_says_the_same(served: Served) -> None:
    as_json = served.ask("POST", "/v1/decisions", json=ASKED)
    headers = {"content-type": "application/msgpack"}
    packed = served.ask("POST", "/v1/decisions", content=msgpack.packb(ASKED), headers=headers)
    repeated = served.ask("POST", "/v1/decisions", content=msgpack.packb(ASKED), headers=headers)
    assert msgpack.unpackb(packed.content) == as_json.json()
    assert repeated.content == packed.content


def test_a_repeated_event_is_a_duplicate_with_its_first_version(served: Served) -> None:
    first = served.ask("POST", "/v1/events", json={"events": [event(1)]}).json()["results"][0]
    more = served.ask("POST", "/v1/events", json={"events": [event(2), event(1), event(1, type="view")]}).json()
    assert first["status"] == "applied"
    assert [one["status"] for one in more["results"]] == ["applied", "duplicate", "rejected"]
    assert more["results"][1]["state_version"] == first["state_version"]
    assert more["results"][2]["error"]["status"] == 409


def test_an_outcome_confirms_the_item_and_the_customer_shows_it(served: Served) -> None:
    decision = served.ask("POST", "/v1/decisions", json=ASKED | {"placements": [{"id": "strip", "count": 3}]}).json()
    chosen = [item["action"] for item in decision["placements"][0]["items"] if not item["fallback"]]
    outcome = {"outcome_id": "o-1", "decision_id": decision["decision_id"], "action": (chosen or ["none"])[0],
               "type": "impression", "time": NOW}
    result = served.ask("POST", "/v1/outcomes", json={"outcomes": [outcome]}).json()["results"][0]
    assert result["status"] == ("applied" if chosen else "rejected")
    customer = served.ask("GET", "/v1/customers/c-0").json()
    assert len(customer["contacts"]) == bool(chosen)
    assert customer["state_version"] >= decision["state_version"]


def test_attributes_consent_and_erasure_of_one_customer(served: Served) -> None:
    url = "/v1/customers/c-1"
    assert served.ask("GET", url).status_code == 404
    assert served.ask("PUT", f"{url}/attributes", json={"staff": True, "size": 3}).json()["state_version"] == 1
    assert served.ask("PUT", f"{url}/attributes", json={"staff": True}).json()["state_version"] == 1
    assert served.ask("PUT", f"{url}/attributes", json={"nowhere": 1}).status_code == 422
    assert served.ask("PUT", f"{url}/consent", json={"marketing": True}).json()["state_version"] == 2
    customer = served.ask("GET", url).json()
    assert (customer["attributes"], customer["consent"]) == ({"staff": True, "size": 3.0}, {"marketing": True})
    receipts = [served.ask("DELETE", url) for _ in range(2)]
    assert receipts[0].json()["receipt"] == receipts[1].json()["receipt"]
    assert served.ask("GET", url).status_code == 404


def test_a_decision_that_the_catalog_refuses_is_422_with_its_place(served: Served) -> None:
    for placements in ([{"id": "nowhere"}], [{"id": "hero", "count": 2}], [{"id": "message"}], [{"id": "hero"}] * 2):
        response = served.ask("POST", "/v1/decisions", json=ASKED | {"request_id": "w", "placements": placements})
        assert response.status_code == 422
        assert response.json()["errors"][0]["loc"][0] == "placements"


def test_an_explanation_is_a_dry_run(served: Served) -> None:
    answer = served.ask("POST", "/v1/explanations", json=ASKED).json()
    assert answer["decision_id"] is None
    assert answer["explanation"]["candidates"]
    assert served.ask("GET", "/v1/customers/c-0").status_code == 404


def test_imported_events_may_be_old_and_are_applied_once(served: Served) -> None:
    body = {"source": "tills", "first_position": 0, "events": [event(0, time="2025-01-01T00:00:00Z")]}
    first, again = (served.ask("POST", "/v1/history", json=body).json()["results"][0]["status"] for _ in range(2))
    assert (first, again) == ("applied", "duplicate")
