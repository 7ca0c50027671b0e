"""Two tenants with the same customer ids and event, request and outcome ids never see each other, through any call.

The same calls of one tenant are made twice: beside a tenant that did all it could with the same ids, and alone. All
answers must be the same, to the byte where nothing random is in them: then no answer tells anything of the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from support.in_process import InProcess
from unit.gateway.sockets import Socket
from unit.scoring.scoring_catalog import catalog
from unit.tenants.calls import ASKED, EVENT, HISTORY, NOW, REFUSED, SHARED, WHO, Call, about, covered, names_of_routes

from actors import access
from actors.gateway.routes import ROUTES
from actors.gateway.routing import Router
from actors.gateway.stream.calls import Calls
from actors.shard import turning
from models import limits

START_MS = 1_767_225_600_000  # 2026-01-01
NEVER = "d" + "A" * 34
Ask = Callable[[Call], Awaitable[Any]]


class World:
    """A whole Kairos in which decisions draw the same, and a client per tenant."""

    def __init__(self, kairos: InProcess) -> None:
        self.kairos = kairos

    async def ask(self, tenant: str, call: Call) -> Any:
        """Status and body, without what is drawn for each request."""
        headers = {"authorization": f"Bearer {self.kairos.key_of(tenant)}"}
        async with httpx.AsyncClient(transport=self.kairos.transport(), base_url="http://k", headers=headers) as client:
            answer = await client.request(call.method, call.path, json=call.body)
        return answer.status_code, _told(answer.json())


@asynccontextmanager
async def world(place: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(turning, "os", SimpleNamespace(urandom=bytes))
    monkeypatch.setattr(limits, "SCORER_WAIT_MS_MAX", limits.DEADLINE_MS_MAX)
    kairos = InProcess(place, START_MS, monkeypatch)
    await kairos.start()
    try:
        made = World(kairos)
        status, body = await made.ask("main", Call("PUT", "/v1/catalog", catalog()))
        assert status in (200, 202), body
        async with asyncio.timeout(60):
            while (await made.ask("main", Call("GET", "/readyz")))[0] != 200:  # noqa: ASYNC110
                await asyncio.sleep(0)
            # A decision says when no scorer was there, and each shard finds its own in a thread.
            while any(shard._is_degraded for shard in kairos.shards):  # noqa: ASYNC110
                await asyncio.sleep(0)
        yield made
    finally:
        await kairos.stop()


def _told(body: Any) -> Any:
    """Without the ids that the gateway gives to calls that bring none."""
    if isinstance(body, dict):
        return {name: _told(value) for name, value in body.items() if name != "request_id"}
    return [_told(one) for one in body] if isinstance(body, list) else body


async def live(made: World, tenant: str) -> tuple[str, str]:
    """A tenant's customer with something of everything; a decision's id and an action that it chose."""
    await made.ask(tenant, Call("POST", "/v1/events", {"events": [EVENT]}))
    await made.ask(tenant, Call("POST", "/v1/history", HISTORY))
    await made.ask(tenant, Call("PUT", f"/v1/customers/{WHO}/attributes", {"town": "Rome", "age": 40}))
    await made.ask(tenant, Call("PUT", f"/v1/customers/{WHO}/consent", {"marketing": False}))
    status, decided = await made.ask(tenant, Call("POST", "/v1/decisions", ASKED))
    assert status == 200, decided
    (item,) = decided["placements"][0]["items"]
    outcome = {"outcome_id": "o-0", "decision_id": decided["decision_id"], "action": item["action"],
               "type": "impression", "time": NOW}
    _, results = await made.ask(tenant, Call("POST", "/v1/outcomes", {"outcomes": [outcome]}))
    assert results["results"][0]["status"] == "applied"
    return decided["decision_id"], item["action"]


async def seen(made: World, tenant: str, decision_id: str) -> list[Any]:
    """All that a tenant can read of its customer."""
    customer, decision = f"/v1/customers/{WHO}", f"/v1/decisions/{decision_id}"
    paths = (
        customer, f"{customer}?as_of=2&policies=true", f"{customer}/timeline", decision, f"{decision}/explanation",
    )
    return [await made.ask(tenant, Call("GET", path)) for path in paths]


def test_every_call_is_either_shared_refused_or_tried_here() -> None:
    assert names_of_routes() == covered()
    named = {route.name for route in ROUTES if "customer" in route.path or "decision" in route.path}
    assert not named & (SHARED | REFUSED)


def test_no_call_tells_one_tenant_anything_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        async with world(tmp_path / "beside", monkeypatch) as beside:
            decision_id, action = await live(beside, "main")
            before = await seen(beside, "main", decision_id)
            assert {status for status, _ in before} == {200}
            answers = [await beside.ask("other", call) for _, call in about(decision_id, action)]
            assert await seen(beside, "main", decision_id) == before
        async with world(tmp_path / "alone", monkeypatch) as alone:
            for answer, (_, call) in zip(answers, about(decision_id, action), strict=True):
                assert await alone.ask("other", call) == answer, call

    asyncio.run(play())


async def asked_about(made: World, decision_id: str, action: str) -> list[Any]:
    """What a tenant is told of a decision by its id, in an outcome and for its reasons, without the id itself."""
    outcome = {"outcome_id": "o-9", "decision_id": decision_id, "action": action, "type": "click", "time": NOW}
    calls = [
        Call("POST", "/v1/outcomes", {"outcomes": [outcome]}),
        Call("GET", f"/v1/decisions/{decision_id}/explanation"), Call("GET", f"/v1/decisions/{decision_id}"),
        Call("POST", f"/v1/decisions/{decision_id}:rerun"),
    ]
    answers = [await made.ask("other", call) for call in calls]
    return [(status, str(body).replace(decision_id, "?")) for status, body in answers]


def test_a_decision_id_of_another_tenant_is_answered_as_one_that_never_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        async with world(tmp_path, monkeypatch) as made:
            decision_id, action = await live(made, "main")
            theirs, _ = await live(made, "other")
            never = theirs[:-1] + ("A" if theirs[-1] != "A" else "Q")
            for of_nobody in (NEVER, never):
                told = [await asked_about(made, one, action) for one in (decision_id, of_nobody)]
                assert told[0] == told[1]
                assert [status for status, _ in told[0]] == [200, 404, 404, 404]

    asyncio.run(play())


def test_a_stream_tells_no_more_than_the_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def told(made: World, decision_id: str, action: str) -> list[Any]:
        served: Any = SimpleNamespace(app=made.kairos.app, data_dir=tmp_path)
        calls = [call for _, call in about(decision_id, action) if call.method == "POST"]
        shared = {name for name in Calls(Router(ROUTES)).names if name.startswith("scorers")}
        served_there = {name.replace("{decision_id}", decision_id) for name in Calls(Router(ROUTES)).names}
        assert {call.frame for call in calls} >= served_there - shared
        answers = []
        async with Socket(served, made.kairos.key_of("other")) as socket:
            for number, call in enumerate(calls):
                socket.ask(number, call.frame, call.body)
                answer = await socket.answer()
                answers.append((answer["status"], _told(answer["body"])))
        return answers

    async def play() -> None:
        async with world(tmp_path / "beside", monkeypatch) as beside:
            decision_id, action = await live(beside, "main")
            before = await seen(beside, "main", decision_id)
            answers = await told(beside, decision_id, action)
            assert await seen(beside, "main", decision_id) == before
        async with world(tmp_path / "alone", monkeypatch) as alone:
            assert await told(alone, decision_id, action) == answers

    asyncio.run(play())


def test_the_journal_is_read_by_the_main_tenant_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        async with world(tmp_path, monkeypatch) as made:
            for query in ("shard=0", "shard=0&base_after="):
                status, body = await made.ask("other", Call("GET", f"/v1/journal?{query}"))
                assert (status, "tenant main" in body["detail"]) == (403, True)

    asyncio.run(play())


def test_a_key_reaches_the_customers_of_its_own_tenant(tmp_path: Path) -> None:
    store = access.FileAccess(tmp_path)
    access.create(store, "one", ["*"], now_ms=0, tenant="acme")
    access.create(store, "two", ["*"], now_ms=0)
    assert [record.tenant for record in store.records()] == ["acme", "main"]
