"""Chaos: kill -9 of a shard, the coordinator, the scorer, the gateway, in turn, spread over the run; then again.

Callers repeat with the same ids, as the contract says; nothing acknowledged may be lost, doubled or exceeded.
"""

from __future__ import annotations

import itertools
from typing import Any, Final

import gevent

from loadtests.users import kills
from loadtests.users.briefing import Scenario
from loadtests.users.run import install
from loadtests.users.visitor import Visit, Visitor
from loadtests.users.visits import shopping

#: Seconds between kills: so few that each kind is killed once in the run, and at most so many.
_GAP_S_MAX: Final = 15.0


class Browser(Visitor):
    def visit(self) -> Visit:
        return shopping(self.caller)


def kill_in_turn(lead: Any) -> None:
    if not kills.may_kill(lead):
        return
    gap_s = min(_GAP_S_MAX, lead.options.seconds / (len(kills.TITLES) + 0.5) or _GAP_S_MAX)
    for name, title in itertools.cycle(kills.TITLES.items()):
        gevent.sleep(gap_s)
        kills.note_kill(lead, name, kills.kill_one(lead.options.data_dir, title))


def recovered(lead: Any, run: Any) -> None:
    if lead.extra.get("kills"):
        run.checks.append(kills.scorer_is_back(lead))


install(Scenario("chaos", think_s=0.2, during=kill_in_turn, after=recovered))
