"""What the gates before the contact policies leave, kept for the next customer for whom the same holds.

Those gates are a function of the rules that hold for the customer, of what is asked, and of the catalog's clock. Where
no rule about the request itself was needed, the next decision with the same of all these gets the same masks.
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

Key = tuple[bytes, str, tuple[str, ...], bool, bool, bool, int]


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
    key: Key = (
        standing.results.tobytes(), channel.id, asked.placements,
        control is not None, consents(channel, profile), channel.id in moment.quiet, moment.era,
    )
    if not request["exclude"]:
        known = index.funnels.get(key)
        if known is not None:
            return known, None
    ruling = Ruling(index, standing, request, moment.now_ms)
    made = _made(index, ruling, moment, asked, profile, request, control)
    if not ruling.asked_request and not request["exclude"]:
        if len(index.funnels) >= index.funnels_max:
            index.funnels.clear()
        index.funnels[key] = made
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
