"""One trial: clients work, something breaks, it heals, clients go on; then all that they were told is checked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from support.examining import check_history, check_logs
from support.hosts_cluster import ClusterOfHosts
from support.server import eventually
from support.traffic import Traffic

from actors.stores.opening import open_store

#: Operations before something breaks, and after it has healed.
BEFORE = 150
AFTER = 150
_WITHIN_S = 120.0


@contextmanager
def working(cluster: ClusterOfHosts, seed: int) -> Iterator[Traffic]:
    """Clients at every gateway; the body of the ``with`` breaks and heals. At its end all of them have their answers,
    and all that they were told holds."""
    with Traffic(cluster.urls, cluster.key, seed=seed) as traffic:
        goes_on(traffic, BEFORE)
        yield traffic
        goes_on(traffic, AFTER)
    eventually("the installation is ready", cluster.is_ready, _WITHIN_S)
    assert check_history(traffic.history, cluster.url(1), cluster.key) == []
    assert logs_of(cluster) == []


def goes_on(traffic: Traffic, operations: int) -> None:
    begun = traffic.history.operations
    eventually(
        f"{operations} more operations are answered", lambda: traffic.answered_since(begun + operations), _WITHIN_S,
    )


def logs_of(cluster: ClusterOfHosts) -> list[str]:
    with mock.patch.dict(os.environ, cluster.secrets):
        store = open_store({"store": cluster.store, "data_dir": str(cluster.data_dir)})
        try:
            return check_logs(store, cluster.shards)
        finally:
            store.close()
