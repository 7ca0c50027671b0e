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

from models.arbitration.gates import consents, fallback_treatments, first_fitting, is_quiet, static_gates
from models.arbitration.index import PlanIndex
from models.arbitration.purse import Needs, needs
from models.arbitration.ruling import Ruling
from models.catalog.plan import Channel, Mask, Treatment
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
    #: Weights of ``actions`` where no rule weighs any of them; else empty.
    plain_weights: tuple[float, ...]
    #: What the fitting treatments cost, each sum of units once.
    needs: tuple[Needs, ...]


def funnel(
    index: PlanIndex, ruling: Ruling, channel: Channel, profile: Profile, request: dict[str, Any],
    control: str | None, now_ms: int,
) -> Funnel:
    """The funnel of a decision; ``request`` fits the plan."""
    if request["exclude"]:
        return _made(index, ruling, channel, profile, request, control, now_ms)
    key: Key = (
        ruling.standing.results.tobytes(), channel.id, tuple([asked["id"] for asked in request["placements"]]),
        control is not None, consents(channel, profile), is_quiet(channel, index.plan, now_ms), index.era(now_ms),
    )
    known: Funnel | None = index.funnels.get(key)
    if known is None:
        known = _made(index, ruling, channel, profile, request, control, now_ms)
        if not ruling.asked_request:
            if len(index.funnels) >= index.funnels_max:
                index.funnels.clear()
            index.funnels[key] = known
    return known


def _made(
    index: PlanIndex, ruling: Ruling, channel: Channel, profile: Profile, request: dict[str, Any],
    control: str | None, now_ms: int,
) -> Funnel:
    remaining = static_gates(index, ruling, channel, profile, request, control, now_ms)
    asked = [asked["id"] for asked in request["placements"]]
    fitting = {id_: first_fitting(index, ruling, id_, remaining["quiet_hours"]) for id_ in asked}
    treated = np.zeros(len(index.plan.actions), np.bool_)
    for found in fitting.values():
        treated[list(found)] = True
    remaining["treatment"] = treated
    fallbacks: dict[str, tuple[Treatment, ...]] = {}
    if consents(channel, profile) and not is_quiet(channel, index.plan, now_ms):
        fallbacks = {id_: fallback_treatments(index, ruling, id_, request, now_ms) for id_ in asked}
    actions = np.flatnonzero(treated).astype(np.uint16)
    actions.flags.writeable = False
    rules = tuple(index.plan.context_weight[actions].tolist())
    costs = {needs(treatment) for found in fitting.values() for treatment in found.values()}
    return Funnel(
        remaining, fitting, fallbacks, actions, rules, (1.0,) * len(rules) if max(rules, default=-1) < 0 else (),
        tuple(sorted(costs - {()})),
    )
