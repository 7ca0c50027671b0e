"""The reference keeps its caps and its answers for real: the script runs in a Redis of its own."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import subprocess
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from loadtests import scenario
from loadtests.references.redis_service import catalog as catalogs
from loadtests.references.redis_service.catalog import Catalog, Policy
from loadtests.references.redis_service.messages import DecisionAsked
from loadtests.references.redis_service.presence import INSTALL, redis_server
from loadtests.references.redis_service.store import Store
from loadtests.references.redis_service.turns import Turns

pytestmark = pytest.mark.skipif(not redis_server(), reason=f"no redis-server on this machine; {INSTALL}")
DAY_MS = 86_400_000
CATALOG = dataclasses.replace(catalogs.load(), policies=(
    Policy("often", 5, DAY_MS, per_action=False), Policy("each", 2, 7 * DAY_MS, per_action=True),
))


class Even:
    """Scores that do not matter."""

    manifest = SimpleNamespace(version="even")

    def predict(self, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.full(len(matrix), 0.1, np.float32)


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[str]:
    path = tmp_path / "s"
    redis = subprocess.Popen(
        [redis_server(), "--port", "0", "--unixsocket", str(path), "--dir", str(tmp_path), "--save", ""],
        stdout=subprocess.PIPE, text=True,
    )
    assert redis.stdout is not None
    next(line for line in redis.stdout if "ready to accept" in line.lower())
    yield str(path)
    redis.terminate()
    redis.communicate()


def ask(turns: Turns, number: int, customer: str = "c") -> Awaitable[tuple[int, bytes]]:
    body = {**scenario.decision(number), "customer_id": customer}
    return turns.decide(DecisionAsked.model_validate(body), json.dumps(body).encode())


def decided(socket: str, catalog: Catalog, work: Callable[[list[Turns]], Awaitable[Any]]) -> Any:
    """``work`` with two workers over one Redis."""

    async def run() -> Any:
        stores = [Store(socket, catalog), Store(socket, catalog)]
        for store in stores:
            await store.open()
        try:
            return await work([Turns(store, catalog, Even()) for store in stores])  # type: ignore[arg-type]
        finally:
            for store in stores:
                await store.close()

    return asyncio.run(run())


def actions(answers: list[tuple[int, bytes]]) -> Counter[str]:
    assert {status for status, _ in answers} == {200}
    return Counter(
        item["action"] for _, body in answers for part in json.loads(body)["placements"] for item in part["items"]
    )


def test_two_workers_that_ask_at_once_never_pass_a_cap(socket: str) -> None:
    async def work(turns: list[Turns]) -> list[tuple[int, bytes]]:
        return await asyncio.gather(*(ask(turns[n % 2], n) for n in range(40)))

    found = actions(decided(socket, CATALOG, work))
    assert found.total() == 5
    assert max(found.values()) <= 2


def test_a_budget_is_never_overspent(socket: str) -> None:
    async def work(turns: list[Turns]) -> list[tuple[int, bytes]]:
        return await asyncio.gather(*(ask(turns[n % 2], n, f"c-{n}") for n in range(40)))

    assert actions(decided(socket, dataclasses.replace(CATALOG, cap=7), work)).total() == 7


def test_one_request_id_has_one_answer_and_another_body_is_refused(socket: str) -> None:
    async def work(turns: list[Turns]) -> list[tuple[int, bytes]]:
        first, again = await ask(turns[0], 1), await ask(turns[1], 1)
        other = {**scenario.decision(1), "customer_id": "c", "context": {"page": "/other"}}
        return [first, again, await turns[0].decide(DecisionAsked.model_validate(other), json.dumps(other).encode())]

    first, again, other = decided(socket, CATALOG, work)
    assert first == again
    assert other[0] == 409


def test_a_contact_that_was_not_shown_frees_its_place(socket: str) -> None:
    async def work(turns: list[Turns]) -> int:
        answers = [await ask(turns[0], n) for n in range(6)]
        told = json.loads(answers[0][1])
        action = next(a for a in CATALOG.actions if a.id == told["placements"][0]["items"][0]["action"])
        store = Store(socket, CATALOG)
        await store.open()
        await store.settle("c", told["decision_id"], action, "release", 1)
        await store.close()
        return actions([*answers, *[await ask(turns[1], n) for n in range(10, 14)]]).total()

    assert decided(socket, CATALOG, work) == 6
