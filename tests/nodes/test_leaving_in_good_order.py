"""A node that is to leave is drained, and `kairos up` ends in good order: nobody notices."""

from __future__ import annotations

from nodes.console import CONSOLE, Visitor
from nodes.trial import all_holds, heals, working
from support.hosts_cluster import GATEWAY, HEAD, SHARD, ClusterOfHosts

from models import limits

LEAVES = 3


def test_a_host_is_drained_under_load_without_an_error_to_any_client(cluster: ClusterOfHosts) -> None:
    heals("every host has a shard", cluster.is_spread)
    visitor = Visitor(cluster)
    heals("the console is there wherever the API is",
          lambda: all(map(visitor.sees_shards, filter(cluster.is_ready, cluster.numbers))))
    # At the head Serve has a proxy, whatever else goes on. The default deadline is missed by a busy machine while it
    # starts processes, hosts that leave or not; what a move does to clients shows at any.
    with working(cluster, [cluster.url(HEAD)], limits.DEADLINE_MS_MAX) as traffic:
        before = len(traffic.history.waits_s)
        cluster.drain_host(LEAVES)
        heals("its shards are elsewhere", lambda: cluster.has_left(LEAVES))
        heals("its gateway is elsewhere", lambda: not cluster.pids(GATEWAY, LEAVES))
        heals("no console is on it", lambda: not cluster.pids(CONSOLE, LEAVES) and visitor.sees_shards())
        assert traffic.history.waits_s[before:] == [], traffic.history.refused
        cluster.renew_hosts([LEAVES])
        heals("shards come to the new host", cluster.is_spread)
        assert traffic.history.waits_s[before:] == [], traffic.history.refused


def test_a_term_signal_ends_everything_and_a_new_start_finds_it(cluster: ClusterOfHosts) -> None:
    with working(cluster) as traffic:
        pass
    assert cluster.stop() == 0
    assert not cluster.pids(SHARD)
    assert not cluster.pids("ray::Coordinator")
    cluster.up()
    heals("all shards serve", cluster.all_serve)
    all_holds(cluster, traffic)
