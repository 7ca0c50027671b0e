"""Machines, networks and the store go away under load; nothing acknowledged is lost, nothing promised is exceeded."""

from __future__ import annotations

import signal

import pytest
from nodes.trial import goes_on, working
from support.hosts_cluster import HEAD, ClusterOfHosts
from support.server import eventually

SERVING = "serving"
KINDS = ("ray::ProfileShard", "ray::Coordinator", "ray::Supervisor", "ray::ServeReplica:kairos:", "kairos-scorer")


def homes(cluster: ClusterOfHosts) -> dict[int, str]:
    """Shard -> the node on which it serves, as the status tells it."""
    return {
        one["shard"]: one.get("node_id", "") for one in cluster.get("/v1/status")["shards"]
        if one.get("state") == SERVING
    }


def all_serve(cluster: ClusterOfHosts) -> bool:
    return cluster.is_ready() and len(homes(cluster)) == cluster.shards


def test_shards_are_spread_over_the_hosts(cluster: ClusterOfHosts) -> None:
    eventually("every host has a shard", lambda: len(set(homes(cluster).values())) == cluster.hosts.count)


@pytest.mark.parametrize("title", KINDS)
def test_each_kind_of_actor_is_killed_under_load(cluster: ClusterOfHosts, title: str) -> None:
    with working(cluster, seed=hash_of(title)) as traffic:
        for _ in range(3):
            cluster.kill(title, signal.SIGKILL)
            goes_on(traffic, 60)
            eventually("all shards serve", lambda: all_serve(cluster))


def test_a_shard_that_stood_still_and_was_replaced_answers_nobody_when_it_goes_on(cluster: ClusterOfHosts) -> None:
    with working(cluster, seed=11) as traffic:
        halted = cluster.kill("ray::ProfileShard", signal.SIGSTOP)
        goes_on(traffic, 60)
        halted.send_signal(signal.SIGCONT)
        eventually("all shards serve", lambda: all_serve(cluster))


def test_a_host_that_loses_its_power_loses_nothing(cluster: ClusterOfHosts) -> None:
    with working(cluster, seed=12) as traffic:
        cluster.hosts.crash(2)
        eventually("all shards serve elsewhere", lambda: all_serve(cluster), within_s=90)
        goes_on(traffic, 100)
        cluster.start_host(2)
        eventually("shards come back to it", lambda: len(set(homes(cluster).values())) == cluster.hosts.count, 90)


def test_a_host_that_is_cut_off_leaves_zombies_that_are_fenced(cluster: ClusterOfHosts) -> None:
    with working(cluster, seed=13) as traffic:
        before = {one.pid for one in cluster.hosts.processes(3)}
        cluster.hosts.cut(3)
        eventually("all shards serve elsewhere", lambda: all_serve(cluster), within_s=90)
        goes_on(traffic, 100)
        cluster.hosts.join(3)
        eventually("its shards are gone", lambda: not before & cluster.pids("ray::ProfileShard", host=3), within_s=90)
        cluster.renew_host(3)
        eventually("shards come back to it", lambda: len(set(homes(cluster).values())) == cluster.hosts.count, 90)


def test_a_host_that_reaches_the_store_but_no_peer_is_fenced_by_the_store(cluster: ClusterOfHosts) -> None:
    with working(cluster, seed=14) as traffic:
        before = {one.pid for one in cluster.hosts.processes(2)}
        cluster.hosts.hide(2, [1, 3])
        eventually("all shards serve elsewhere", lambda: all_serve(cluster), within_s=90)
        goes_on(traffic, 100)
        cluster.hosts.show(2, [1, 3])
        eventually("its shards are gone", lambda: not before & cluster.pids("ray::ProfileShard", host=2), within_s=90)
        cluster.renew_host(2)
        eventually("shards come back to it", lambda: len(set(homes(cluster).values())) == cluster.hosts.count, 90)


def test_postgresql_is_killed_and_comes_back(cluster: ClusterOfHosts) -> None:
    with working(cluster, seed=15):
        cluster.postgres.kill()
        cluster.postgres.start()
        eventually("all shards serve", lambda: all_serve(cluster), within_s=90)


def test_postgresql_stands_still_for_a_while(cluster: ClusterOfHosts) -> None:
    with working(cluster, seed=16) as traffic:
        cluster.postgres.halt()
        eventually("nobody is answered", lambda: traffic.is_silent(1.0))
        cluster.postgres.resume()
        eventually("all shards serve", lambda: all_serve(cluster), within_s=90)


def test_the_head_is_lost_and_everything_is_rebuilt_from_the_store(cluster: ClusterOfHosts) -> None:
    with working(cluster, seed=17):
        cluster.hosts.crash(HEAD)
        for host in cluster.numbers:
            cluster.renew_host(host)
        cluster.up()
        eventually("all shards serve", lambda: all_serve(cluster), within_s=120)


def hash_of(title: str) -> int:
    return sum(title.encode())
