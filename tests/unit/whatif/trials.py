"""A customer's desk, and another catalog tried on its customers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from simulation.catalog import catalog, plan
from simulation.desk import Desk
from support.roles import adopted

from models.catalog.check import check_data
from models.catalog.plan import Plan
from models.scoring.roles import Roles
from models.turn.commands import Command
from models.whatif.asking import dry, seed_of
from models.whatif.comparing import Comparison, Stand
from models.whatif.side import Asked
from models.whatif.units import Account

Change = Callable[[dict[str, Any]], Any]


def changed(*changes: Change) -> Plan:
    """The live catalog with changes."""
    data = copy.deepcopy(catalog())
    for change in changes:
        change(data)
    return check_data(data)


def action(data: dict[str, Any], id_: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in data["actions"] if one["id"] == id_)
    return found


def half(_: str, matrix: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """A scorer to whom everything is the same."""
    return np.full(len(matrix), 0.5, np.float32)


class Trials:
    def __init__(self, **units: int) -> None:
        self.desk = Desk(units)
        self.score: Any = half
        self.manifests: dict[str, dict[str, Any]] = {}
        self.may_go_on: Callable[[], bool] = lambda: True

    def adopt(self, roles: Roles) -> None:
        self.desk.shard.adopt([adopted(roles)])

    def stand(self) -> Stand:
        state = self.desk.shard.core.state
        assert state.plan is not None
        free = {(position.budget, position.period): position.free for position in state.escrow.positions()}
        return Stand(state.plan, state.evidence, state.roles, free, self.now_ms)

    @property
    def now_ms(self) -> int:
        return self.desk.shard.core.now_ms(self.desk.shard.wall_ms)

    def asked(self, command: Command) -> Asked:
        shard = self.desk.shard
        known = {**shard.stored, **shard.core.state.recent}
        profile = shard.profiles.get(command.customer)
        return Asked(dry(command), profile, known, self.now_ms, seed_of(command))

    def compare(self, candidate: Plan, *commands: Command) -> dict[str, Any]:
        accounts = {}
        for budget in plan().budgets.values():
            used = budget.cap - self.desk.free(budget.id)
            accounts[budget.id] = Account(budget.cap, used)
        comparison = Comparison(candidate, accounts, self.score, self.manifests.get)
        comparison.add(self.stand(), enumerate(map(self.asked, commands)), self.may_go_on)
        return comparison.answer(plan().version)

    def hero(self, candidate: Plan, **more: Any) -> dict[str, Any]:
        """The only result of asking for ``hero`` and three items of ``strip``."""
        answer = self.compare(candidate, self.desk.decision_command("web", ("hero", 1), ("strip", 3), **more))
        (result,) = answer["results"]
        found: dict[str, Any] = result
        return found


def whys(result: dict[str, Any]) -> dict[tuple[str, int], tuple[str | None, str | None, str]]:
    """(placement, rank) -> (live, candidate, why)."""
    return {
        (one["placement"], one["rank"]): (one["live"], one["candidate"], one["why"]) for one in result["differences"]
    }
