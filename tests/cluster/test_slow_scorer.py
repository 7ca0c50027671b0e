"""A scorer that is there and does not get to its work: decisions are answered in their time, and not by waiting."""

from __future__ import annotations

import signal

import psutil
from support.server import Server, eventually, fresh


def test_a_stopped_scorer_degrades_decisions_in_their_time_and_is_asked_again_when_it_goes_on(server: Server) -> None:
    (scorer,) = server.processes("ray::ServeReplica:kairos-scorer")
    eventually("it is asked", lambda: not server.decide(fresh("c"), "app", "app_card", dry_run=True)["degraded"])
    scorer.send_signal(signal.SIGSTOP)
    try:
        eventually("it stands still", lambda: scorer.status() == psutil.STATUS_STOPPED)
        for _ in range(8):
            assert server.decide(fresh("c"), "app", "app_card", deadline_ms=1_000)["degraded"] is True
    finally:
        scorer.send_signal(signal.SIGCONT)
    eventually("every shard asks it again", lambda: not any(
        server.decide(fresh("c"), "app", "app_card", dry_run=True)["degraded"] for _ in range(12)
    ))
