"""A customer as it was: folded, fact by fact, from where its journal begins up to a version or a time.

A version is a moment: that of the turn which made it. At a time stands whoever is read then: what was logged by then,
and the timers that were due. Called by the actor's reads; nothing here is ever appended.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from models.arbitration.allowances import allowances
from models.arbitration.index import index_for
from models.budgets.escrow import Escrow
from models.budgets.periods import period_key
from models.catalog.plan import Plan
from models.errors import InvariantBroken
from models.immutable import immutable
from models.profile.facts import Fact
from models.profile.state import Profile
from models.profile.views import profile_view
from models.scoring.evidence import Evidence
from models.scoring.matrix import layouts_of
from models.scoring.roles import Roles
from models.times import format_time
from models.turn.publics import Deltas
from models.turn.shard_state import ShardState
from models.turn.work import Work, fold


@immutable
class AsOf:
    """Which moment is asked about: exactly one of the two."""

    version: int | None
    time_ms: int | None

    @classmethod
    def from_wire(cls, wire: Any) -> AsOf:
        return cls(wire["version"], wire["time_ms"])

    def to_wire(self) -> dict[str, int | None]:
        return {"version": self.version, "time_ms": self.time_ms}


@immutable
class Moment:
    """A customer at an instant, with the plan of then. The profile is a private one."""

    profile: Profile
    plan: Plan
    now_ms: int
    #: The shard's newest row of then.
    seq: int

    def view(self) -> dict[str, Any]:
        """Which moment it is, for an answer."""
        return {"state_version": self.profile.state_version, "time": format_time(self.now_ms)}


class Course:
    """One generation of a customer on its way through the journal."""

    def __init__(self, generation: int, profile: Profile | None, until: int | None) -> None:
        """``profile``: a private one, None before the first fact. ``until``: the version to stop at; None: none."""
        self.profile = profile
        #: The clock of the newest fact; 0 before the first.
        self.now_ms = 0
        self._generation = generation
        self._until = until

    def follow(self, facts: Iterable[Fact], plan: Plan | None, now_ms: int) -> bool:
        """Apply the facts of a row; True when the version was reached, which then is the last one applied."""
        if plan is None:
            raise InvariantBroken("a customer's facts stand before the first catalog")
        for fact in facts:
            self.profile = fold(self.profile, self._generation, fact, plan, now_ms)
            self.now_ms = now_ms
            if self._until is not None and self.profile is not None and self.profile.state_version == self._until:
                return True
        return False


def advanced(profile: Profile, plan: Plan, now_ms: int) -> Profile:
    """As a read at ``now_ms`` finds it: timers that are due have fired, on a copy."""
    work = Work(b"", profile, None, plan, now_ms, _nobody)
    work.advance()
    assert work.profile is not None
    return work.profile


def standing_view(moment: Moment, with_policies: bool) -> dict[str, Any]:
    """The body of ``GET /v1/customers/{id}`` at a moment."""
    body = profile_view(moment.profile, moment.plan, moment.now_ms)
    if with_policies:
        body["policies"] = allowances(moment.profile, index_for(moment.plan), moment.now_ms)
    return body


def state_then(shard: int, moment: Moment, evidence: Evidence, roles: Roles, escrow: Escrow | None) -> ShardState:
    """What a turn of that moment reads. ``escrow``: the units that the shard had; None where nobody knows: then every
    budget has its whole cap of its period."""
    plan = moment.plan
    layouts = layouts_of(roles, plan)
    return ShardState(
        shard, plan, roles, roles.keeping(layouts.__contains__), layouts, evidence,
        escrow=_untouched(plan, moment.now_ms) if escrow is None else escrow, last_ms=moment.now_ms, seq=moment.seq,
    )


def _untouched(plan: Plan, now_ms: int) -> Escrow:
    escrow = Escrow()
    for budget in plan.budgets.values():
        escrow.grant(budget.id, period_key(budget.period, now_ms, plan.zone), budget.cap)
    return escrow


def _nobody(_: Deltas) -> None:
    """What a look changes at shard level is nobody's business."""
