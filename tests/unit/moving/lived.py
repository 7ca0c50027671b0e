"""An installation in which something happened: customers of two tenants, decisions, outcomes, an erasure, a checkpoint
and rows after it, API keys, a refusal."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from simulation.catalog import catalog, experiments
from support.in_process import InProcess

from actors.access.denials.record import GENESIS, Entry, Head
from actors.stores.interface import Store
from actors.stores.sqlite import SqliteStore
from cluster.auditing import Audit, audit
from cluster.journal_source import StoredJournals

START_MS: Final = 1_767_225_600_000
NOW: Final = "2026-01-01T00:00:00Z"
CUSTOMERS: Final = tuple(f"hh-{number}" for number in range(12))
ERASED: Final = CUSTOMERS[3]
TENANTS: Final = ("main", "acme")


class Living:
    """An ``InProcess`` and its callers."""

    def __init__(self, kairos: InProcess) -> None:
        self.kairos = kairos

    async def ask(self, tenant: str, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.kairos.key_of(tenant)}"}
        async with httpx.AsyncClient(transport=self.kairos.transport(), base_url="http://k", headers=headers) as client:
            return await client.request(method, path, json=body)

    async def ready(self) -> None:
        async with asyncio.timeout(30):
            while (await self.ask("main", "GET", "/readyz")).status_code != 200:  # noqa: ASYNC110
                await asyncio.sleep(0)

    async def live(self, tenant: str, round_: int) -> list[str]:
        """Every customer sees, decides and clicks; the ids of the decisions."""
        decided = []
        for number, customer in enumerate(CUSTOMERS):
            event = {"event_id": f"e-{round_}", "customer_id": customer, "type": "basket", "time": NOW,
                     "properties": {"total": 5.0 + number}}
            await self._applied(tenant, "events", event)
            asked = {"request_id": f"r-{round_}", "customer_id": customer, "channel": "web",
                     "placements": [{"id": "hero"}, {"id": "strip", "count": 2}]}
            answer = await self.ask(tenant, "POST", "/v1/decisions", asked)
            assert answer.status_code == 200, answer.text
            decided.append(answer.json()["decision_id"])
            for placement in answer.json()["placements"]:
                for item in placement["items"]:
                    if not item["fallback"]:
                        outcome = {"outcome_id": f"o-{round_}-{item['action']}", "decision_id": decided[-1],
                                   "action": item["action"], "type": "accept" if number % 2 else "click", "time": NOW}
                        await self._applied(tenant, "outcomes", outcome)
        return decided

    async def _applied(self, tenant: str, call: str, item: dict[str, Any]) -> None:
        answer = await self.ask(tenant, "POST", f"/v1/{call}", {call: [item]})
        assert answer.status_code == 200, answer.text
        assert answer.json()["results"][0]["status"] == "applied", answer.text

    async def seen(self) -> dict[str, Any]:
        """All that anybody can read of any customer, and what stands of the budgets."""
        found: dict[str, Any] = {}
        for tenant in TENANTS:
            for customer in CUSTOMERS:
                for path in (f"/v1/customers/{customer}", f"/v1/customers/{customer}/timeline"):
                    answer = await self.ask(tenant, "GET", path)
                    body = answer.json() if answer.status_code == 200 else {}
                    found[f"{tenant} {path}"] = answer.status_code, body
        for one in (await self.ask("main", "GET", "/v1/experiments")).json()["experiments"]:
            path = f"/v1/experiments/{one['id']}"
            found[path] = (await self.ask("main", "GET", path)).json()
            assert found[path]["assigned"] == one["assigned"] > 0
        return found

    async def budgets(self) -> list[Any]:
        answer = await self.ask("main", "GET", "/v1/budgets")
        return [(one["id"], one["cap"], one["spent"], one["held"]) for one in answer.json()["budgets"]]


async def lived_in(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, store: str = "sqlite"
) -> tuple[dict[str, Any], str]:
    """What could be read at the end, and the id of a decision."""
    kairos = InProcess(data_dir, START_MS, monkeypatch, store=store)
    await kairos.start()
    living = Living(kairos)
    answer = await living.ask("main", "PUT", "/v1/catalog", catalog() | {"experiments": experiments()})
    assert answer.status_code in (200, 202), answer.text
    await living.ready()
    for tenant in TENANTS:
        await living.live(tenant, 1)
    assert (await living.ask("main", "DELETE", f"/v1/customers/{ERASED}")).status_code == 200
    for shard in kairos.shards:
        await shard._loop.at_boundary(shard._loop._checkpointer.finish)
    (decision_id, *_) = await living.live("acme", 2)
    seen = await living.seen()
    await kairos.stop()
    return seen, decision_id


async def reads_of(data_dir: Path, monkeypatch: pytest.MonkeyPatch, store: str, shards: int = 2) -> dict[str, Any]:
    """What can be read of the installation in a store, started there; and it goes on."""
    kairos = InProcess(data_dir, START_MS, monkeypatch, shards, store=store)
    await kairos.start()
    living = Living(kairos)
    await living.ready()
    seen = await living.seen()
    await living.live("main", 3)
    await kairos.stop()
    return seen


def refuse_somebody(store: Store) -> None:
    """A chain with two entries."""
    denials = store.denials()
    first = Entry.after(Head(0, GENESIS), {"call": "events", "status": 401})
    denials.append("gateway-1", [first, Entry.after(first.head, {"call": "events", "status": 403})])
    denials.close()


def audited(store: Store) -> Audit:
    source = StoredJournals(store)
    try:
        return audit(source)
    finally:
        source.close()


def embedded(data_dir: Path) -> SqliteStore:
    return SqliteStore(data_dir)
