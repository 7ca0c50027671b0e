"""What names the same customer is applied in the order in which one connection sent it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from unit.gateway.doubles import DECISION, EVENT, Served, echo
from unit.gateway.sockets import Socket

from actors.gateway.batching import Group, ShardGone
from actors.gateway.routes import ROUTES
from models import ids, limits
from models.turn.commands import Command, Reply

CUSTOMERS = [f"c-{n}" for n in range(4)]


def run(served: Served, test: Callable[[Socket], Awaitable[None]]) -> None:
    async def body() -> None:
        async with Socket(served) as socket:
            await test(socket)

    asyncio.run(body())


class Dying:
    """Shards that die before or after they have applied a call; what they applied, by customer, repetitions dropped."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._applied: dict[bytes, dict[str, None]] = {}

    async def __call__(self, shard: int, commands: list[Command]) -> list[Reply]:
        for _ in range(self._rng.randrange(5)):
            await asyncio.sleep(0)
        if self._rng.random() < 0.1:
            raise ShardGone("died before")
        for command in commands:
            name = command.body.get("request_id") or command.body["event_id"]
            self._applied.setdefault(command.customer, {})[name] = None
        if self._rng.random() < 0.1:
            raise ShardGone("died after")
        return await echo(shard, commands)

    @property
    def applied(self) -> dict[bytes, list[str]]:
        return {customer: list(names) for customer, names in self._applied.items()}


def frame(n: int, rng: random.Random) -> tuple[str, dict[str, Any], list[tuple[str, str]]]:
    """A call, its body, and which ids it should apply to whom."""
    who = [rng.choice(CUSTOMERS) for _ in range(3)]
    kind = rng.choice(["decisions", "events", "decisions:batch", "patient"])
    if kind == "events":
        events = [EVENT | {"event_id": f"{n}.{at}", "customer_id": one} for at, one in enumerate(who)]
        return kind, {"events": events}, [(one, f"{n}.{at}") for at, one in enumerate(who)]
    version = {"min_state_version": 1} if kind == "patient" else {}
    if kind == "decisions:batch":
        requests = [DECISION | {"request_id": f"{n}.{at}", "customer_id": one} for at, one in enumerate(who)]
        requests[0] |= {"min_state_version": 1} if rng.random() < 0.3 else {}
        return kind, {"requests": requests}, [(one, f"{n}.{at}") for at, one in enumerate(who)]
    return "decisions", DECISION | {"request_id": f"{n}.0", "customer_id": who[0]} | version, [(who[0], f"{n}.0")]


@pytest.mark.parametrize("seed", range(8))
def test_any_mix_of_calls_is_applied_in_the_order_sent_though_shards_die(served: Served, seed: int) -> None:
    rng = random.Random(seed)
    shards = Dying(random.Random(seed + 1_000))
    served.backend.handle = shards

    async def test(socket: Socket) -> None:
        wanted: dict[bytes, list[str]] = {}
        for n in range(200):
            call, body, names = frame(n, rng)
            socket.ask(n, call, body)
            # Within a batch the order of one customer is kept too.
            for customer, name in names:
                wanted.setdefault(served.services.key_of(ids.MAIN_TENANT, customer), []).append(name)
        answers = await socket.answers(200)
        assert {answer["status"] for answer in answers.values()} == {200}
        assert shards.applied == wanted

    run(served, test)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repetitions at once: pauses are yields."""
    monkeypatch.setattr(limits, "GATEWAY_RETRY_MS_MIN", 0)
    monkeypatch.setattr(limits, "GATEWAY_RETRY_MS_MAX", 0)


@pytest.fixture(autouse=True)
def no_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked here is answered in any order of events, on a machine of any speed."""
    monkeypatch.setattr(Group, "expire", lambda group: None)


def test_a_decision_that_may_wait_holds_back_its_customer_alone(served: Served) -> None:
    gate = asyncio.Event()

    async def wait_for_version(shard: int, commands: list[Command]) -> list[Reply]:
        if any(command.body.get("min_state_version") for command in commands):
            await gate.wait()
        return await echo(shard, commands)

    served.backend.handle = wait_for_version

    async def test(socket: Socket) -> None:
        socket.ask(1, "decisions", DECISION | {"min_state_version": 5})
        socket.ask(2, "decisions", DECISION | {"context": {"second": True}})
        for n in range(3, 9):
            socket.ask(n, "decisions", DECISION | {"customer_id": f"other-{n}"})
        assert set(await socket.answers(6)) == set(range(3, 9))
        assert not any(command.body["context"] for command in served.backend.commands)
        gate.set()
        assert [(await socket.answer())["id"] for _ in range(2)] == [1, 2]

    run(served, test)


def test_an_outcome_names_its_customer_by_the_decision(served: Served) -> None:
    gate = asyncio.Event()

    async def wait_for_version(shard: int, commands: list[Command]) -> list[Reply]:
        if commands[0].kind == "decision":
            await gate.wait()
        return await echo(shard, commands)

    served.backend.handle = wait_for_version
    decision_id = ids.decision_id(served.services.key_of(ids.MAIN_TENANT, "c-1"), b"seed")
    outcome = {"outcome_id": "o", "decision_id": decision_id, "action": "a", "type": "click",
               "time": "2026-11-02T18:00:00Z"}

    async def test(socket: Socket) -> None:
        socket.ask(1, "decisions", DECISION | {"min_state_version": 5})
        socket.ask(2, "outcomes", {"outcomes": [outcome]})
        socket.ask(3, "events", {"events": [EVENT | {"customer_id": "c-2"}]})
        assert (await socket.answer())["id"] == 3
        gate.set()
        assert [(await socket.answer())["id"] for _ in range(2)] == [1, 2]

    run(served, test)


def test_what_is_refused_while_it_was_held_back_lets_the_next_go(served: Served) -> None:
    async def test(socket: Socket) -> None:
        socket.ask(0, "decisions", DECISION)
        for n in range(1, 200):
            socket.ask(n, "decisions", DECISION | {"min_state_version": "wrong"})
        socket.ask(200, "decisions", DECISION)
        answers = await socket.answers(201)
        assert [answers[n]["status"] for n in (0, 1, 199, 200)] == [200, 422, 422, 200]

    run(served, test)


def test_every_call_that_names_customers_submits_at_once() -> None:
    naming = {"customer_id", "decision_id"}
    for route in ROUTES:
        model = route.element[1] if route.element else route.body
        if route.method == "POST" and model is not None and naming & set(model.model_fields):
            assert route.submits_at_once, route.path
