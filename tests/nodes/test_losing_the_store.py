"""PostgreSQL dies, stands still and runs out of space under load."""

from __future__ import annotations

import httpx
from nodes.trial import goes_on, heals, working
from support.hosts_cluster import ClusterOfHosts
from support.server import fresh


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
    with working(cluster) as traffic:
        heals("nobody is answered", lambda: cluster.disk.fill() or traffic.is_silent(1.0))
        assert asked(cluster) in (httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT)
        cluster.disk.free()
        if not cluster.postgres.is_running:
            cluster.postgres.start()
        goes_on(traffic, 50)


def asked(cluster: ClusterOfHosts) -> int:
    """The status of an event that has to be written."""
    return httpx.put(
        f"{cluster.url(1)}/v1/customers/{fresh('c')}/consent", json={"marketing": True}, timeout=30.0,
        headers={"authorization": f"Bearer {cluster.key}"},
    ).status_code
