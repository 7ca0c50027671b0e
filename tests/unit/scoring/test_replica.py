"""One replica of the deployment, without Serve: where it listens, what it takes, and who must not wait for whom."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray
from support.stores import installed, link_key_of
from support.trained_scorers import trained

from actors.link.address import Address
from actors.link.client import Link
from actors.link.errors import LinkFailed
from actors.scorer import Scorer
from actors.scorer_registry import ScorerRegistry
from actors.scoring.wire import METHOD, PING, PONG, PURPOSE, pack_asked, unpack_scores
from models.scoring.booster import Booster

ONE = trained(3)
VERSION = ONE.manifest.version
ROWS = np.ones((3, 2), np.float32)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


@pytest.fixture(autouse=True)
def on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray.util, "get_node_ip_address", lambda: "127.0.0.1")


def replica(directory: Path) -> Scorer:
    ScorerRegistry(directory).register(ONE.model, ONE.manifest)
    installed(directory)
    return Scorer({"data_dir": str(directory)})


def link_to(directory: Path, address: Address, purpose: str = PURPOSE) -> Link:
    async def resolve() -> Address:
        return address

    return Link(resolve, link_key_of(directory), purpose)


def test_all_who_ask_at_once_are_told_one_address(tmp_path: Path) -> None:
    async def scenario() -> None:
        scorer = replica(tmp_path)
        told = set(await asyncio.gather(*(scorer.address() for _ in range(5))))
        assert len(told) == 1
        scorer.check_health()
        await scorer._server.stop()

    run(scenario())


def test_a_replica_that_cannot_listen_says_so_to_serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray.util, "get_node_ip_address", lambda: "203.0.113.1")

    async def scenario() -> None:
        scorer = replica(tmp_path)
        scorer.check_health()
        with pytest.raises(OSError):
            await scorer.address()
        with pytest.raises(OSError):
            scorer.check_health()

    run(scenario())


def test_what_is_no_request_fails_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        scorer = replica(tmp_path)
        link = link_to(tmp_path, Address.from_wire(await scorer.address()))
        for method, payload in ((METHOD, b"\xc1"), ("pickle", PING), (METHOD, pack_asked("nothing", ROWS))):
            with pytest.raises(LinkFailed):
                await link.call(method, payload, 10)
        assert await link.call(METHOD, PING, 10) == PONG
        link.close()
        await scorer._server.stop()

    run(scenario())


def test_scores_do_not_wait_for_an_explanation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = threading.Event()

    def slow(self: Booster, matrix: Any) -> Any:
        assert held.wait(30)
        return np.zeros((len(matrix), 3), np.float32)

    async def scenario() -> None:
        scorer = replica(tmp_path)
        monkeypatch.setattr(Booster, "contributions", slow)
        link = link_to(tmp_path, Address.from_wire(await scorer.address()))
        why = asyncio.create_task(link.call(METHOD, pack_asked(VERSION, ROWS, explain=True), 30))
        try:
            answer = await link.call(METHOD, pack_asked(VERSION, ROWS), 30)
            assert unpack_scores(answer, VERSION).shape == (3,)
            assert not why.done()
        finally:
            held.set()
        await why
        link.close()
        await scorer._server.stop()

    run(scenario())
