"""The Python client against a live installation: both kinds, both transports, and a shard that dies meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import pytest
from support.server import Server, eventually, fresh

from actors import access
from cluster.client import AsyncKairos, Conflict, Decision, Kairos, NotFound, Unauthorised

TransportName = Literal["http", "stream"]
TRANSPORTS = pytest.mark.parametrize("transport", ["http", "stream"])
#: For how long a caller waits, while a shard comes back on a machine that does much else.
PATIENCE_S = 120.0


@TRANSPORTS
def test_what_a_channel_service_does_in_a_day(server: Server, transport: TransportName) -> None:
    customer, now = fresh("day"), server.get("/v1/clock")["time"]
    with Kairos(server.url, server.key, transport=transport, timeout_s=PATIENCE_S) as kairos:
        kairos.wait_until_ready()
        with pytest.raises(NotFound):
            kairos.customer(customer)
        assert kairos.set_consent(customer, {"marketing": True}).state_version == 1
        kairos.set_attributes(customer, {"age_band": "30s"})
        (applied,) = kairos.send_events([
            {"customer_id": customer, "type": "basket", "time": now, "properties": {"total": 41.0}},
        ])
        assert applied.status == "applied"
        decision = kairos.decide(
            customer, "web", ["home_hero", {"id": "home_strip", "count": 3}], request_id=fresh("r"),
            event={"type": "page_view"}, min_state_version=applied.state_version,
        )
        assert decision.decision_id is not None
        item = next(one for one in decision.items if not one.fallback)
        (told,) = kairos.send_outcomes([{
            "decision_id": decision.decision_id, "action": item.action, "type": "accept", "time": now,
        }])
        assert (told.status, told.funded) == ("applied", True)
        seen = kairos.customer(customer)
        assert (seen.attributes["age_band"], seen.features["baskets_28d"]) == ("30s", 1)
        kinds = Counter(one.kind for one in kairos.timeline(customer, page_items=2))
        assert (kinds["event"], kinds["decision"], kinds["outcome"]) == (2, 1, 1)
        assert kairos.explanation_of(decision.decision_id).decision_id == decision.decision_id
        reasons = kairos.explain(customer, "web", ["home_hero"]).explanation
        assert reasons is not None
        assert reasons.funnel["candidates"] == len(reasons.candidates)
        assert kairos.erase(customer) == kairos.erase(customer)


def test_what_an_operator_reads_and_sets(server: Server) -> None:
    with Kairos(server.url, server.key, timeout_s=PATIENCE_S) as kairos:
        live = kairos.catalog()
        assert kairos.publish_catalog(live.catalog, dry_run=True).catalog_version == live.catalog_version
        with pytest.raises(Conflict, match="look at the live catalog"):
            kairos.publish_catalog(live.catalog, if_match="sha256:another")
        budgets = {budget.id: budget for budget in kairos.budgets()}
        cap = budgets["coupon_pool"].cap
        assert kairos.set_cap("coupon_pool", cap).cap == cap
        assert len(kairos.status().shards) == 2
        assert kairos.scorers() == []
        assert "kairos_" in kairos.metrics()
        assert kairos.set_clock(kairos.clock().time).time == kairos.clock().time
        assert kairos.journal(0, limit=1).data["rows"]
        assert kairos.call("GET", "/healthz").value() == {"status": "ok"}


def test_the_same_request_has_the_same_bytes_on_every_way(server: Server) -> None:
    customer, name = fresh("same"), fresh("r")

    def ask(transport: TransportName) -> Decision:
        with Kairos(server.url, server.key, transport=transport, timeout_s=PATIENCE_S) as kairos:
            return kairos.decide(customer, "app", ["app_card"], request_id=name)

    async def ask_async(transport: TransportName) -> Decision:
        async with AsyncKairos(server.url, server.key, transport=transport, timeout_s=PATIENCE_S) as kairos:
            return await kairos.decide(customer, "app", ["app_card"], request_id=name)

    answers = [ask("http"), ask("stream"), asyncio.run(ask_async("http")), asyncio.run(ask_async("stream"))]
    assert len({answer.raw for answer in answers}) == 1


@TRANSPORTS
def test_a_batch_is_answered_element_by_element(server: Server, transport: TransportName) -> None:
    async def run() -> list[Any]:
        async with AsyncKairos(server.url, server.key, transport=transport, timeout_s=PATIENCE_S) as kairos:
            return await kairos.decide_batch([
                {"customer_id": fresh("b"), "channel": "app", "placements": [{"id": place}]}
                for place in ("app_card", "nowhere", "app_card")
            ])

    first, wrong, last = asyncio.run(run())
    assert first.decision is not None
    assert last.decision is not None
    assert (wrong.status, wrong.decision) == (422, None)
    assert "nowhere" in wrong.problem["detail"]


@TRANSPORTS
def test_a_key_that_is_revoked_is_told_as_such(server: Server, transport: TransportName) -> None:
    name = fresh("key")
    key = access.create(access.FileAccess(server.data_dir), name, ["decide:app"], now_ms=0)
    with Kairos(server.url, key, transport=transport, timeout_s=PATIENCE_S) as kairos:
        eventually("the key is known", lambda: not _is_refused(kairos))
        with pytest.raises(Unauthorised, match="events:write"):
            kairos.send_events([{"customer_id": "c", "type": "basket", "time": server.get("/v1/clock")["time"]}])
        assert kairos.decide(fresh("c"), "app", ["app_card"]).items
        access.revoke(access.FileAccess(server.data_dir), name, now_ms=0)
        eventually("the key is refused", lambda: _is_refused(kairos))


def _is_refused(kairos: Kairos) -> bool:
    try:
        kairos.decide(fresh("c"), "app", ["app_card"])
    except Unauthorised:
        return True
    return False


class Asked:
    """What callers asked and were answered, by customer; calls go on until ``stop`` is set."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.decisions: dict[str, list[Decision]] = {}
        self.events: dict[str, list[str]] = {}

    def next(self, customer: str) -> tuple[str, str]:
        return fresh("r"), fresh("e")

    def note(self, customer: str, event_id: str, decision: Decision) -> None:
        self.decisions.setdefault(customer, []).append(decision)
        self.events.setdefault(customer, []).append(event_id)

    def goes_on(self, customer: str) -> bool:
        return not self.stop.is_set() or len(self.decisions.get(customer, ())) < 5


def decide_for(kairos: Any, customer: str, event_id: str, name: str) -> Any:
    event = {"event_id": event_id, "type": "page_view"}
    return kairos.decide(customer, "web", ["home_hero"], request_id=name, event=event)


def blocking(server: Server, transport: TransportName, asked: Asked) -> None:
    def one(customer: str) -> None:
        while asked.goes_on(customer):
            name, event_id = asked.next(customer)
            asked.note(customer, event_id, decide_for(kairos, customer, event_id, name))

    with (
        Kairos(server.url, server.key, transport=transport, timeout_s=PATIENCE_S) as kairos,
        ThreadPoolExecutor(3) as pool,
    ):
        for done in [pool.submit(one, fresh(f"sync-{transport}")) for _ in range(3)]:
            done.result()


def awaited(server: Server, transport: TransportName, asked: Asked) -> None:
    async def one(kairos: AsyncKairos, customer: str) -> None:
        while asked.goes_on(customer):
            name, event_id = asked.next(customer)
            asked.note(customer, event_id, await decide_for(kairos, customer, event_id, name))

    async def all_of_them() -> None:
        async with AsyncKairos(server.url, server.key, transport=transport, timeout_s=PATIENCE_S) as kairos:
            await asyncio.gather(*[one(kairos, fresh(f"async-{transport}")) for _ in range(3)])

    asyncio.run(all_of_them())


def test_no_caller_notices_that_a_shard_is_killed_and_nothing_is_doubled(server: Server) -> None:
    asked = Asked()
    ways: list[tuple[Callable[..., None], TransportName]] = [
        (blocking, "http"), (blocking, "stream"), (awaited, "http"), (awaited, "stream"),
    ]
    with ThreadPoolExecutor(len(ways)) as pool:
        running = [pool.submit(way, server, transport, asked) for way, transport in ways]
        try:
            eventually("everybody is answered", lambda: _answered(asked) >= 12 or any(one.done() for one in running))
            killed = server.kill("ray::ProfileShard")
            eventually("the shard is back", lambda: server.client.get("/readyz").status_code == 200
                       and killed not in {p.pid for p in server.processes("ray::ProfileShard")})
        finally:
            asked.stop.set()
        for one in running:
            one.result(timeout=2 * PATIENCE_S)
    for customer, decisions in asked.decisions.items():
        items = server.timeline(customer)
        found = [item["id"] for item in items if item["kind"] == "decision"]
        assert sorted(found) == sorted(str(decision.decision_id) for decision in decisions), customer
        assert sorted(item["id"] for item in items if item["kind"] == "event") == sorted(asked.events[customer])


def _answered(asked: Asked) -> int:
    return len(asked.decisions)


def test_a_pipeline_of_one_customer_is_applied_in_the_order_in_which_it_was_asked(server: Server) -> None:
    customer = fresh("pipe")

    async def run() -> list[Decision]:
        async with AsyncKairos(server.url, server.key, transport="stream", timeout_s=PATIENCE_S) as kairos:
            return list(await asyncio.gather(*_asks(kairos, customer)))

    versions = [decision.state_version for decision in asyncio.run(run())]
    assert versions == sorted(set(versions))


def _asks(kairos: AsyncKairos, customer: str) -> list[Coroutine[Any, Any, Decision]]:
    return [
        kairos.decide(customer, "web", ["home_hero"], event={"type": "page_view", "event_id": fresh("e")})
        for _ in range(100)
    ]
