"""What the gates before the contact policies leave, kept for the next customer for whom the same holds.

Those gates are a function of the rules that hold for the customer, of what is asked, of the catalog's clock, and of
what the rules about the request itself say. The next decision with the same of all these gets the same masks; where
rules about the request were asked, they are asked for it first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arbitration.asking import Asked
from models.arbitration.gates import consents, fallback_treatments, first_fitting, static_gates
from models.arbitration.index import PlanIndex
from models.arbitration.moment import Moment
from models.arbitration.purse import Needs
from models.arbitration.ruling import Ruling
from models.catalog.plan import Mask, Treatment
from models.profile.predicates import Standing
from models.profile.state import Profile

#: Of what does not depend on the request's context and event.
Situation = tuple[bytes, str, tuple[str, ...], bool, bool, bool, int]
#: With what the rules about the request say, in the order of ``PlanIndex.request_rules``.
Key = tuple[Situation, tuple[bool, ...]]


@dataclass(frozen=True, slots=True)
class Funnel:
    """Shared by decisions: never changed."""

    #: Gate -> mask of the actions (plan order) that remain after it, up to ``treatment``.
    remaining: Mapping[str, Mask]
    #: Requested placement -> action index -> its first treatment there whose ``when`` holds.
    fitting: dict[str, dict[int, Treatment]]
    #: Requested placement -> the treatments of its fallback actions that may be shown, in order.
    fallbacks: dict[str, tuple[Treatment, ...]]
    #: Indexes of the actions that remain, and per such action the rule of its context weight.
    actions: NDArray[np.uint16]
    weight_rules: tuple[int, ...]
    #: Some action has a rule for its context weight.
    is_weighed: bool
    #: What the fitting treatments cost, each sum of units once.
    needs: tuple[Needs, ...]


def funnel(
    index: PlanIndex, moment: Moment, asked: Asked, standing: Standing, profile: Profile, request: dict[str, Any],
    control: str | None,
) -> tuple[Funnel, Ruling | None]:
    """The funnel of a decision; ``request`` fits the plan. With the rules that had to be judged for it, if any."""
    channel = asked.channel
    situation: Situation = (
        standing.results.tobytes(), channel.id, asked.placements,
        control is not None, consents(channel, profile), channel.id in moment.quiet, moment.era,
    )
    if request["exclude"]:
        ruling = Ruling(index, standing, request, moment.now_ms)
        return _made(index, ruling, moment, asked, profile, request, control), ruling
    rules = index.request_rules.get(situation, ())
    judged = Ruling(index, standing, request, moment.now_ms) if rules else None
    key = situation, () if judged is None else tuple([judged.holds(rule) for rule in rules])
    known = index.funnels.get(key)
    if known is not None:
        return known, judged
    ruling = judged or Ruling(index, standing, request, moment.now_ms)
    made = _made(index, ruling, moment, asked, profile, request, control)
    needed = ruling.asked
    if max(len(index.funnels), len(index.request_rules)) >= index.funnels_max:
        index.funnels.clear()
        index.request_rules.clear()
    if needed <= set(rules):
        index.funnels[key] = made
    else:
        # Next time all of these are asked beforehand: then what they say tells this funnel from its siblings.
        index.request_rules[situation] = tuple(sorted(needed))
    return made, ruling


def _made(
    index: PlanIndex, ruling: Ruling, moment: Moment, asked: Asked, profile: Profile, request: dict[str, Any],
    control: str | None,
) -> Funnel:
    channel = asked.channel
    remaining = static_gates(index, ruling, channel, profile, request, control, moment)
    fitting = {id_: first_fitting(index, ruling, id_, remaining["quiet_hours"]) for id_ in asked.placements}
    treated = np.zeros(len(index.plan.actions), np.bool_)
    for found in fitting.values():
        treated[list(found)] = True
    remaining["treatment"] = treated
    fallbacks: dict[str, tuple[Treatment, ...]] = {}
    if consents(channel, profile) and channel.id not in moment.quiet:
        fallbacks = {
            id_: fallback_treatments(index, ruling, id_, request, moment.now_ms) for id_ in asked.placements
        }
    actions = np.flatnonzero(treated).astype(np.uint16)
    actions.flags.writeable = False
    rules = tuple(index.plan.context_weight[actions].tolist())
    costs = {treatment.costs for found in fitting.values() for treatment in found.values()}
    return Funnel(
        remaining, fitting, fallbacks, actions, rules, max(rules, default=-1) >= 0, tuple(sorted(costs - {()})),
    )
