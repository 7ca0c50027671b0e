"""What arbitration looks up in a plan, arranged once per plan so that a decision's cost follows what survives."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.arbitration.power import power
from models.catalog.plan import (
    Arbitration,
    ContactPolicy,
    ExclusivePolicy,
    LimitPolicy,
    Mask,
    NeverAfterPolicy,
    Plan,
    RestPolicy,
    Scope,
    Treatment,
)
from models.experiments.effective import Settings
from models.scoring.blending import Learnt

if TYPE_CHECKING:
    from models.arbitration.asking import Asked, Shape
    from models.arbitration.funnel import Funnel, Key, Situation
    from models.arbitration.moment import Moment

#: How many plans keep their index: the live one, the one before it, and some that an audit runs again.
_PLANS_KEPT = 8
_memory: list[PlanIndex] = []


class PlanIndex:
    """Lookups over one plan. Read-only, but for what the last four attributes keep."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        #: Over ``plan.rules``.
        self.dynamic: Mask = np.array([rule.dynamic for rule in plan.rules], dtype=np.bool_)
        #: The same with one False at the end, which the index -1 (no rule) finds.
        self.pending: Mask = np.append(self.dynamic, False)
        #: Placement -> action index -> its treatments there, in catalog order.
        self.treatments: dict[str, dict[int, tuple[Treatment, ...]]] = {}
        #: Placement -> mask of the actions that have a treatment there.
        self.at: dict[str, Mask] = {}
        for placement in plan.placements:
            self._add_placement(placement)
        #: Per policy (catalog order): mask of the actions that it can refuse. Channel, direction and treatment apart.
        self.reach: tuple[Mask, ...] = tuple(self._reach(policy) for policy in plan.policies)
        #: Channel -> places (in ``plan.policies``) of the policies that can refuse a contact in it.
        self.in_channel: dict[str, frozenset[int]] = {
            channel: frozenset(at for at, policy in enumerate(plan.policies) if self._refuses_in(policy, channel))
            for channel in plan.channels
        }
        #: Action id -> places of the policies that may count a contact of it.
        self._counting: dict[str, frozenset[int]] = self._counting_policies()
        self._every_policy = frozenset(range(len(plan.policies)))
        #: Budget -> its place in the plan's order.
        self.budget_place: Final = {budget: place for place, budget in enumerate(plan.budgets)}
        #: With fewer contacts than this, and no event's mark, no policy refuses anything.
        self.refusing_from: Final = min(
            map(_refusing_from, plan.policies), default=limits.CONTACTS_PER_CUSTOMER_MAX
        )
        #: What decisions go by under each combination of variants.
        self.settings: Final = Settings(plan)
        self.any_mandatory: Final = any(action.mandatory for action in plan.actions)
        #: Per action: its place by id (how equal priorities are ordered).
        self.id_place: NDArray[np.int64] = np.argsort(np.argsort([action.id for action in plan.actions]))
        self.ids_ascend: Final = bool((np.diff(self.id_place) > 0).all())
        self._powers: dict[tuple[float, float], tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
        self._learnt: dict[str, tuple[Mapping[str, Any], Learnt | None]] = {}
        #: The instants at which an action begins or ends to be valid.
        self._bounds: list[int] = np.unique(np.concatenate([plan.valid_from, plan.valid_until])).tolist()
        self.funnels_max: Final = limits.FUNNEL_ACTIONS_KEPT_MAX // max(1, len(plan.actions)) + 1
        #: Kept by ``funnel``, ``asking`` and ``moment``.
        self.funnels: dict[Key, Funnel] = {}
        self.request_rules: dict[Situation, tuple[int, ...]] = {}
        self.asked: dict[Shape, Asked] = {}
        self.moment: Moment | None = None

    def era(self, now_ms: int) -> int:
        """Equal at two instants between which no action begins or ends to be valid."""
        return bisect_right(self._bounds, now_ms)

    def powers(self, rules: Arbitration) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The constant factors of each action's priority: value and lever to their exponents."""
        exponents = (rules.value, rules.lever)
        known = self._powers.get(exponents)
        if known is None:
            values = np.array([power(value, rules.value) for value in self.plan.value.tolist()], np.float64)
            levers = np.array([power(lever, rules.lever) for lever in self.plan.lever.tolist()], np.float64)
            if len(self._powers) >= limits.ARBITRATIONS_KEPT_MAX:
                self._powers.clear()
            known = self._powers[exponents] = (values, levers)
        return known

    def learnt(self, version: str, manifest: Mapping[str, Any]) -> Learnt | None:
        """What a scorer says of the rows that it learnt from (``models.scoring.blending``)."""
        known = self._learnt.get(version)
        if known is None or known[0] is not manifest:
            if len(self._learnt) >= limits.ARBITRATIONS_KEPT_MAX:
                self._learnt.clear()
            known = self._learnt[version] = (manifest, Learnt.of(self.plan, manifest))
        return known[1]

    def counting(self, action: str, group: str, issue: str) -> frozenset[int]:
        """Places of the policies that may count a contact of this action; all when the plan knows it otherwise."""
        index = self.plan.action_index.get(action)
        if index is None:
            return self._every_policy
        known = self.plan.actions[index]
        return self._counting[action] if (known.group, known.issue) == (group, issue) else self._every_policy

    def _add_placement(self, placement: str) -> None:
        found: dict[int, tuple[Treatment, ...]] = {}
        for action, treatment in self.plan.treatments_at.get(placement, ()):
            found[action] = (*found.get(action, ()), treatment)
        self.treatments[placement] = found
        self.at[placement] = self._mask(found)

    def _mask(self, actions: dict[int, tuple[Treatment, ...]] | frozenset[int]) -> Mask:
        mask = np.zeros(len(self.plan.actions), dtype=np.bool_)
        mask[list(actions)] = True
        return mask

    def _scoped(self, scope: Scope) -> Mask:
        """The actions that a scope names by issue, group and action."""
        if scope.action:
            index = self.plan.action_index.get(scope.action)
            candidates = self.plan.actions if index is None else (self.plan.actions[index],)
        else:
            candidates = self.plan.actions
        return self._mask(frozenset(
            action.index for action in candidates
            if scope.issue in ("", action.issue) and scope.group in ("", action.group)
            and scope.action in ("", action.id)
        ))

    def _reach(self, policy: ContactPolicy) -> Mask:
        if isinstance(policy, LimitPolicy | RestPolicy):
            return self._scoped(policy.scope)
        return self._mask(policy.actions)

    def _refuses_in(self, policy: ContactPolicy, channel: str) -> bool:
        if isinstance(policy, ExclusivePolicy | NeverAfterPolicy):
            return True
        direction = self.plan.channels[channel].direction
        return policy.scope.channel in ("", channel) and policy.scope.direction in ("", direction)

    def _counting_policies(self) -> dict[str, frozenset[int]]:
        places: list[list[int]] = [[] for _ in self.plan.actions]
        for place, policy in enumerate(self.plan.policies):
            counted = self._scoped(policy.after) if isinstance(policy, NeverAfterPolicy) else self.reach[place]
            for action in np.flatnonzero(counted):
                places[action].append(place)
        return {action.id: frozenset(places[action.index]) for action in self.plan.actions}


def _refusing_from(policy: ContactPolicy) -> int:
    """How many contacts a policy must count before it refuses one more."""
    return policy.limit if isinstance(policy, LimitPolicy) else 1


def index_for(plan: Plan) -> PlanIndex:
    """The index of a plan; built at its first use."""
    for known in _memory:
        if known.plan is plan:
            return known
    made = PlanIndex(plan)
    _memory.insert(0, made)
    del _memory[_PLANS_KEPT:]
    return made
