"""Processes are killed, and one stands still, under load."""

from __future__ import annotations

import contextlib
import signal

import psutil
from nodes.trial import goes_on, heals, working
from support.hosts_cluster import SHARD, ClusterOfHosts

KINDS = (SHARD, "ray::Coordinator", "ray::Supervisor", "ray::ServeReplica:kairos:", "ray::ServeReplica:kairos-scorer:")
ROUNDS = 3


def test_each_kind_of_actor_is_killed_three_times_under_load(cluster: ClusterOfHosts) -> None:
    with working(cluster) as traffic:
        for _ in range(ROUNDS):
            for title in KINDS:
                cluster.kill(title, signal.SIGKILL)
                goes_on(traffic, 30)
            heals("all shards serve", cluster.all_serve)


def test_a_shard_that_stood_still_and_was_replaced_answers_nobody_when_it_goes_on(cluster: ClusterOfHosts) -> None:
    with working(cluster) as traffic:
        halted = cluster.kill(SHARD, signal.SIGSTOP)
        heals("another serves in its place", cluster.all_serve)
        goes_on(traffic, 30)
        with contextlib.suppress(psutil.NoSuchProcess):  # who ended it did not wait for that
            halted.send_signal(signal.SIGCONT)
        heals("it is gone", lambda: not halted.is_running())
