"""One trial: clients work, something breaks, it heals, clients go on; then all that they were told is checked."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from unittest import mock

import httpx
from support.counted import Counted
from support.examining import check_history, check_logs
from support.hosts_cluster import ClusterOfHosts
from support.server import eventually
from support.traffic import Traffic

from actors.stores.opening import open_store
from models import limits

#: Operations before something breaks, and after it has healed.
BEFORE = 100
AFTER = 100
#: How long healing may take on a busy machine.
HEALS_S = 120.0
_seeds = itertools.count(1)


@contextmanager
def working(
    cluster: ClusterOfHosts, urls: Sequence[str] | None = None, deadline_ms: int = limits.DEADLINE_MS_DEFAULT,
) -> Iterator[Traffic]:
    """Clients at every gateway, or at those of ``urls``; their decisions have that deadline. The body of the ``with``
    breaks and heals. At its end all of them have their answers, and all that they were told holds."""
    heals("all shards serve", cluster.all_serve)
    with Traffic(urls or cluster.urls, cluster.key, seed=next(_seeds), deadline_ms=deadline_ms) as traffic:
        goes_on(traffic, BEFORE)
        yield traffic
        goes_on(traffic, AFTER)
    heals("all shards serve", cluster.all_serve)
    all_holds(cluster, traffic)


def all_holds(cluster: ClusterOfHosts, traffic: Traffic) -> None:
    """All that clients were told, what the logs prove, and that Insight counted every row of them once."""
    kept = cluster.folder / "timelines.json"
    wrong = check_history(traffic.history, cluster.url(1), cluster.key, kept)
    heals("every row is counted", lambda: is_counted(cluster))
    funnel, counted = cluster.get("/v1/funnel?window=all"), Counted()
    wrong += [*logs_of(cluster, counted), *counted.differing(funnel)]
    assert not wrong, "\n".join(wrong[:20])


def heals(what: str, check: Callable[[], bool]) -> None:
    eventually(what, check, HEALS_S)


def goes_on(traffic: Traffic, operations: int) -> None:
    begun = traffic.history.operations
    heals(f"{operations} more operations are answered", lambda: traffic.answered_since(begun + operations))


def is_counted(cluster: ClusterOfHosts) -> bool:
    """Whether Insight has read every shard's log to where it is now."""
    try:
        newest = {one["shard"]: one["seq"] for one in cluster.get("/v1/status")["shards"]}
        live = cluster.get("/v1/live")
    except (httpx.HTTPError, AssertionError, KeyError):  # it, or a shard, is on its way
        return False
    return bool(live["caught_up"]) and all(one["seq"] >= newest[one["shard"]] for one in live["shards"])


def logs_of(cluster: ClusterOfHosts, counted: Counted) -> list[str]:
    with mock.patch.dict(os.environ, cluster.secrets):
        store = open_store({"store": cluster.store, "data_dir": str(cluster.data_dir)})
        try:
            return check_logs(store, cluster.shards, counted=counted)
        finally:
            store.close()
