"""Processes are killed, and one stands still, under load."""

from __future__ import annotations

import contextlib
import signal

import psutil
from nodes.console import CONSOLE, INSIGHT, Visitor, is_told
from nodes.trial import goes_on, heals, working
from support.hosts_cluster import SHARD, ClusterOfHosts

KINDS = (
    SHARD, "ray::Coordinator", "ray::Supervisor", "ray::ServeReplica:kairos:", "ray::ServeReplica:kairos-scorer:",
    INSIGHT, CONSOLE,
)
ROUNDS = 3


def test_each_kind_of_actor_is_killed_three_times_under_load(cluster: ClusterOfHosts) -> None:
    visitor = Visitor(cluster)
    with working(cluster) as traffic:
        for _ in range(ROUNDS):
            for title in KINDS:
                cluster.kill(title, signal.SIGKILL)
                goes_on(traffic, 30)
            heals("all shards serve", cluster.all_serve)
        heals("who had the console open sees it again", visitor.sees_shards)


def test_a_shard_that_stood_still_and_was_replaced_answers_nobody_when_it_goes_on(cluster: ClusterOfHosts) -> None:
    """And Insight, which counts each row once all the same."""
    with working(cluster) as traffic:
        halted = [cluster.kill(title, signal.SIGSTOP) for title in (SHARD, INSIGHT)]
        heals("another serves in its place", cluster.all_serve)
        goes_on(traffic, 30)
        heals("another counts", lambda: is_told(cluster))
        for process in halted:
            with contextlib.suppress(psutil.NoSuchProcess):  # who ended it did not wait for that
                process.send_signal(signal.SIGCONT)
        heals("they are gone", lambda: not any(process.is_running() for process in halted))
