"""Machines and networks go away under load; nothing acknowledged is lost, nothing promised is exceeded."""

from __future__ import annotations

from nodes.trial import goes_on, heals, working
from support.hosts_cluster import HEAD, OPERATOR, SHARD, ClusterOfHosts

LOST = 3
OTHERS = (HEAD, OPERATOR)


def test_a_host_loses_its_power_and_comes_back(cluster: ClusterOfHosts) -> None:
    with working(cluster) as traffic:
        cluster.hosts.crash(LOST)
        heals("all shards serve elsewhere", cluster.all_serve)
        goes_on(traffic, 50)
        cluster.start_hosts([LOST])
        heals("every host has a shard", cluster.is_spread)


def test_a_host_is_cut_off_and_its_zombies_are_fenced_when_it_is_healed(cluster: ClusterOfHosts) -> None:
    with working(cluster) as traffic:
        zombies = cluster.pids(SHARD, LOST)
        assert zombies
        cluster.hosts.cut(LOST)
        heals("all shards serve elsewhere", cluster.all_serve)
        goes_on(traffic, 50)
        cluster.hosts.join(LOST)
        heals("the zombies are gone", lambda: not zombies & cluster.pids(SHARD, LOST))
        cluster.renew_hosts([LOST])
        heals("every host has a shard", cluster.is_spread)


def test_a_host_that_reaches_the_store_but_no_peer_is_fenced_by_the_store(cluster: ClusterOfHosts) -> None:
    with working(cluster) as traffic:
        zombies = cluster.pids(SHARD, LOST)
        assert zombies
        cluster.hosts.hide(LOST, OTHERS)
        heals("all shards serve elsewhere", cluster.all_serve)
        goes_on(traffic, 50)
        cluster.hosts.show(LOST, OTHERS)
        heals("the zombies are gone", lambda: not zombies & cluster.pids(SHARD, LOST))
        cluster.renew_hosts([LOST])
        heals("every host has a shard", cluster.is_spread)


def test_the_head_is_lost_and_everything_is_rebuilt_from_the_store(cluster: ClusterOfHosts) -> None:
    """By the `kairos up` that still runs on another host."""
    with working(cluster):
        cluster.hosts.crash(HEAD)
        cluster.renew_hosts(cluster.numbers)
        heals("every host has a shard", cluster.is_spread)
