"""Soak: an hour of browsing by default; memory of the server and median latency must stay flat.

How flat, and from when on, is stated in ``loadtests.verdict.trend``.
"""

from __future__ import annotations

from typing import Any

from loadtests.users.briefing import Scenario
from loadtests.users.run import install
from loadtests.users.visitor import Visit, Visitor
from loadtests.users.visits import shopping
from loadtests.verdict.record import slice_s
from loadtests.verdict.trend import check_latency, check_memory


class Browser(Visitor):
    def visit(self) -> Visit:
        return shopping(self.caller)


def flat(lead: Any, run: Any) -> None:
    samples = [] if lead.server is None else lead.server.memory
    run.checks += [check_memory(samples), check_latency(run.record, slice_s(run.seconds))]
    run.extra["memory_mb_over_time"] = [[round(at), round(size / 2**20)] for at, size in samples]


install(Scenario("soak", think_s=0.5, customers=1_000, verified=20, after=flat))
