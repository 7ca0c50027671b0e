"""One suite for every scorer: inside the shard's process, and a replica asked over a link."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import ray
from support.stores import installed, link_key_of
from support.trained_scorers import trained

from actors.link.address import Address
from actors.scorer import Scorer as Replica
from actors.scorer_registry import ScorerRegistry
from actors.scoring.in_process import InProcessScorer
from actors.scoring.interface import Scorer
from actors.scoring.line import ReplicaLine
from actors.scoring.loaded import open_scorers
from actors.scoring.remote import RemoteScorer
from models.scoring.training import Trained

FEATURES = ("profile.visits", "action.value", "time.hour")
#: A scorer over the registry of a directory, inside a running loop.
Open = Callable[[], AbstractAsyncContextManager[Scorer]]


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


def reading(seed: int) -> Trained:
    """A scorer of ``FEATURES``."""
    return trained(seed, FEATURES)


@pytest.fixture(scope="session")
def pair() -> tuple[Trained, Trained]:
    return reading(1), reading(2)


@pytest.fixture
def registry(tmp_path: Path, pair: tuple[Trained, Trained]) -> ScorerRegistry:
    made = ScorerRegistry(tmp_path)
    for one in pair:
        made.register(one.model, one.manifest)
    return made


@asynccontextmanager
async def inside(directory: Path) -> AsyncIterator[Scorer]:
    yield InProcessScorer(lambda: open_scorers(ScorerRegistry(directory)))


@asynccontextmanager
async def over_a_link(directory: Path) -> AsyncIterator[Scorer]:
    installed(directory)
    replica = Replica({"data_dir": str(directory)})

    async def address() -> Address:
        return Address.from_wire(await replica.address())

    line = ReplicaLine(address, link_key_of(directory))
    yield RemoteScorer(line)
    line.close()
    await replica._server.stop()


@pytest.fixture(params=[inside, over_a_link], ids=["in process", "over a link"])
def open_scorer(
    request: pytest.FixtureRequest, tmp_path: Path, registry: ScorerRegistry, monkeypatch: pytest.MonkeyPatch
) -> Open:
    monkeypatch.setattr(ray.util, "get_node_ip_address", lambda: "127.0.0.1")
    return lambda: request.param(tmp_path)
