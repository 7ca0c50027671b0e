"""The gates that need no score and no budget, in the funnel's order, as masks over the plan's actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from models.arbitration.index import PlanIndex
from models.arbitration.ruling import Ruling
from models.catalog.plan import Channel, Mask, Plan, Treatment
from models.profile.state import Profile
from models.times import local_datetime

if TYPE_CHECKING:
    from models.arbitration.moment import Moment

_MINUTES_PER_HOUR = 60


def static_gates(
    index: PlanIndex, ruling: Ruling, channel: Channel, profile: Profile, request: dict[str, Any],
    control: str | None, moment: Moment,
) -> dict[str, Mask]:
    """Gate -> what remains after it, from ``candidates`` to ``quiet_hours``."""
    plan, now_ms = index.plan, moment.now_ms
    remaining: dict[str, Mask] = {"candidates": plan.is_candidate}
    alive = plan.is_candidate
    excluded = [at for id_ in request["exclude"] if (at := plan.action_index.get(id_)) is not None]
    if excluded:
        alive = alive.copy()
        alive[excluded] = False
    remaining["request"] = alive
    alive = alive & plan.is_mandatory if control is not None else alive
    remaining["control_group"] = alive
    alive = alive & (plan.valid_from <= now_ms) & (now_ms < plan.valid_until)
    remaining["valid"] = alive
    for gate, rule_of in (
        ("eligibility", plan.eligibility), ("applicability", plan.applicability), ("suitability", plan.suitability),
    ):
        alive = ruling.gate(rule_of, alive)
        remaining[gate] = alive
    nobody = np.zeros_like(alive)
    alive = alive if consents(channel, profile) else nobody
    remaining["consent"] = alive
    alive = nobody if channel.id in moment.quiet else alive
    remaining["quiet_hours"] = alive
    return remaining


def consents(channel: Channel, profile: Profile) -> bool:
    """The channel needs no consent, or the customer gave it."""
    return not channel.consent or profile.consent.get(channel.consent, False)


def is_quiet(channel: Channel, plan: Plan, now_ms: int) -> bool:
    """Within the channel's quiet hours on the catalog's local clock: from inclusive, to exclusive."""
    if channel.quiet is None:
        return False
    begin, end = channel.quiet
    local = local_datetime(now_ms, plan.zone)
    minute = local.hour * _MINUTES_PER_HOUR + local.minute
    return begin <= minute < end if begin <= end else minute >= begin or minute < end


def first_fitting(index: PlanIndex, ruling: Ruling, placement: str, alive: Mask) -> dict[int, Treatment]:
    """Action index -> its first treatment in the placement, in catalog order, whose ``when`` holds."""
    fitting: dict[int, Treatment] = {}
    treatments = index.treatments[placement]
    for action in np.flatnonzero(alive & index.at[placement]).tolist():
        for treatment in treatments[action]:
            if ruling.holds(treatment.when):
                fitting[action] = treatment
                break
    return fitting


def weighted_fitting(
    index: PlanIndex, ruling: Ruling, placement: str, alive: Mask, weights: Mapping[str, int],
) -> dict[int, tuple[tuple[Treatment, int], ...]]:
    """Action index -> its treatments in the placement that have a weight above 0 and whose ``when`` holds, with their
    weights; of the actions of which any treatment with a weight (0 too) fits there: for these there is no first one."""
    fitting: dict[int, tuple[tuple[Treatment, int], ...]] = {}
    treatments = index.treatments[placement]
    for action in np.flatnonzero(alive & index.at[placement]).tolist():
        found = [
            (treatment, weights[treatment.id]) for treatment in treatments[action]
            if treatment.id in weights and ruling.holds(treatment.when)
        ]
        if found:
            fitting[action] = tuple([one for one in found if one[1] > 0])
    return fitting


def fallback_treatments(
    index: PlanIndex, ruling: Ruling, placement: str, request: dict[str, Any], now_ms: int,
) -> tuple[Treatment, ...]:
    """What may fill a placement that has too few winners, in the catalog's order."""
    plan = index.plan
    return tuple(
        treatment for treatment in plan.placements[placement].fallback_treatments
        if plan.valid_from[treatment.action] <= now_ms < plan.valid_until[treatment.action]
        and plan.actions[treatment.action].id not in request["exclude"] and ruling.holds(treatment.when)
    )
