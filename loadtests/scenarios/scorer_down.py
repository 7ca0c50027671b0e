"""Scorer down: its replica is killed, and killed again whenever it comes back, through the middle third of the run.

Decisions must go on, degraded, without an error; afterwards they must be scored again. Against a server that is not
this run's own nothing is killed, and the verdict says so.
"""

from __future__ import annotations

import time
from typing import Any, Final

import gevent

from loadtests.users import kills
from loadtests.users.briefing import Scenario
from loadtests.users.run import install
from loadtests.users.visitor import Visit, Visitor
from loadtests.users.visits import shopping
from loadtests.verdict.checks import Check

_LOOK_S: Final = 0.25
_SECONDS: Final = 60.0


class Browser(Visitor):
    def visit(self) -> Visit:
        return shopping(self.caller)


def keep_it_down(lead: Any) -> None:
    if not kills.may_kill(lead):
        return
    third_s = (lead.options.seconds or _SECONDS) / 3
    gevent.sleep(third_s)
    until_s = time.perf_counter() + third_s
    while time.perf_counter() < until_s:
        kills.note_kill(lead, "scorer", kills.kill_one(lead.options.data_dir, kills.SCORER))
        gevent.sleep(_LOOK_S)


def recovered(lead: Any, run: Any) -> None:
    if not lead.extra.get("kills"):
        return
    record = run.record
    run.checks.append(Check(
        "decisions went on without the scorer", record.degraded > 0,
        f"{record.degraded:,} of {record.decisions:,} decisions were degraded",
    ))
    run.checks.append(kills.scorer_is_back(lead))


install(Scenario("scorer_down", think_s=0.2, during=keep_it_down, after=recovered))
