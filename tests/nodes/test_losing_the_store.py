"""PostgreSQL dies, stands still and runs out of space under load."""

from __future__ import annotations

from nodes.trial import goes_on, heals, working
from support.hosts_cluster import ClusterOfHosts

NO_SPACE = "no space"


def test_postgresql_is_killed_and_comes_back(cluster: ClusterOfHosts) -> None:
    with working(cluster):
        cluster.postgres.kill()
        cluster.postgres.start()
        heals("all shards serve", cluster.all_serve)


def test_postgresql_stands_still_for_a_while(cluster: ClusterOfHosts) -> None:
    with working(cluster) as traffic:
        cluster.postgres.halt()
        heals("nobody is answered", lambda: traffic.is_silent(1.0))
        cluster.postgres.resume()
        heals("all shards serve", cluster.all_serve)


def test_the_stores_disk_is_full_and_has_room_again(cluster: ClusterOfHosts) -> None:
    """What still fits into the store's pages is answered."""
    with working(cluster) as traffic:
        try:
            heals("clients are refused", lambda: cluster.disk.fill() or traffic.history.refused[NO_SPACE] > 100)
        finally:
            cluster.disk.free()
        if not cluster.postgres.is_running:
            cluster.postgres.start()
        goes_on(traffic, 50)
