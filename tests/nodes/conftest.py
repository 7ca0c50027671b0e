"""A real cluster of three hosts for the session: network namespaces, raylets, PostgreSQL, `kairos up --address`."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from nodes.trial import heals
from support.hosts_cluster import ClusterOfHosts
from support.namespaces import missing
from support.postgres import PostgresServer

HOSTS = 3
SHARDS = 4
#: Few enough to run dry while the tests work.
UNITS = 60


@pytest.fixture(scope="session")
def cluster(postgres: PostgresServer) -> Iterator[ClusterOfHosts]:
    """``postgres`` says whether there is one at all; this cluster loses and halts a server of its own."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    made = ClusterOfHosts(HOSTS, SHARDS)
    try:
        made.start()
        answer = httpx.put(
            f"{made.url(1)}/v1/budgets/coupon_pool", json={"cap": UNITS}, timeout=30.0,
            headers={"authorization": f"Bearer {made.key}"},
        )
        assert answer.status_code == httpx.codes.OK, answer.text
        heals("every host has a shard and answers", lambda: made.is_spread() and all(map(made.is_ready, made.numbers)))
        yield made
    finally:
        made.remove()
