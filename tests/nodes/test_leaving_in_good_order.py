"""A node that is to leave is drained, and `kairos up` ends in good order: nobody notices."""

from __future__ import annotations

from nodes.trial import all_holds, heals, working
from support.hosts_cluster import GATEWAY, HEAD, SHARD, ClusterOfHosts

LEAVES = 3


def test_a_host_is_drained_under_load_without_an_error_to_any_client(cluster: ClusterOfHosts) -> None:
    heals("every host has a shard", cluster.is_spread)
    with working(cluster, [cluster.url(HEAD)]) as traffic:  # Serve has a proxy there, whatever else goes on
        before = len(traffic.history.waits_s)
        cluster.drain_host(LEAVES)
        heals("its shards are elsewhere", lambda: cluster.all_serve() and LEAVES not in cluster.homes().values())
        heals("its gateway is elsewhere", lambda: not cluster.pids(GATEWAY, LEAVES))
        assert traffic.history.waits_s[before:] == []
        cluster.renew_hosts([LEAVES])
        heals("shards come to the new host", cluster.is_spread)
        assert traffic.history.waits_s[before:] == []


def test_a_term_signal_ends_everything_and_a_new_start_finds_it(cluster: ClusterOfHosts) -> None:
    with working(cluster) as traffic:
        pass
    assert cluster.stop() == 0
    assert not cluster.pids(SHARD)
    assert not cluster.pids("ray::Coordinator")
    cluster.up()
    heals("all shards serve", cluster.all_serve)
    all_holds(cluster, traffic)
