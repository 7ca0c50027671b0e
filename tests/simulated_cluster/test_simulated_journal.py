"""The simulated journal under the contract suite of the real ones: it refuses and recognises what they do."""

from __future__ import annotations

import pytest
from contracts.journal.test_append import *  # noqa: F403

from simulated_cluster.disk import Disk
from simulated_cluster.hub import Hub, Process
from simulated_cluster.journal import SimulatedJournal
from simulated_cluster.server import Server


@pytest.fixture(params=[Server, Disk])
def make_owner(request: pytest.FixtureRequest) -> object:
    hub = Hub(0)
    place = request.param(hub).open("shard-0", Process(hub, "owner"))
    return lambda: SimulatedJournal(place)


@pytest.fixture
def journal(make_owner: object) -> SimulatedJournal:
    journal = make_owner()  # type: ignore[operator]
    journal.take_over("first")
    return journal
