"""Channels, placements, budgets and the arbitration policy."""

from __future__ import annotations

from collections.abc import Mapping

from models import limits
from models.catalog import plan, schema
from models.catalog.schema import offers, places
from models.catalog.schema.choosing import Arbitration
from models.catalog.schema.fields import parse_clock_minutes, parse_duration_ms

_HOLD_TTL_MS = {"inbound": 30 * limits.MINUTE_MS, "outbound": 48 * limits.HOUR_MS}


def compile_channel(channel: places.Channel) -> plan.Channel:
    quiet = channel.quiet_hours
    return plan.Channel(
        id=channel.id, outbound=channel.direction == "outbound", consent=channel.consent or "",
        quiet=(parse_clock_minutes(quiet.from_), parse_clock_minutes(quiet.to)) if quiet else None,
        hold_ttl_ms=parse_duration_ms(channel.hold_ttl) if channel.hold_ttl else _HOLD_TTL_MS[channel.direction],
    )


def compile_placement(placement: places.Placement, treatments: Mapping[str, plan.Treatment]) -> plan.Placement:
    fallback = tuple(treatments[name] for name in placement.fallback)
    actions = tuple(treatment.action for treatment in fallback)
    return plan.Placement(placement.id, placement.channel, placement.count_max, actions, fallback)


def compile_budget(budget: offers.Budget) -> plan.Budget:
    return plan.Budget(budget.id, budget.unit, budget.cap, budget.period or "", budget.spend_on)


def compile_arbitration(arbitration: Arbitration) -> plan.Arbitration:
    factors, exploration, control = arbitration.factors, arbitration.exploration, arbitration.control_group
    return plan.Arbitration(
        propensity=factors.propensity, context=factors.context, value=factors.value, lever=factors.lever,
        exploration=plan.Exploration(exploration.method, exploration.gamma, exploration.share),
        control_id=control.id if control else "", control_share=control.share if control else 0.0,
        control_rotate=control.rotate if control else "never",
        evidence_prior=arbitration.evidence.prior, evidence_strength=arbitration.evidence.strength,
        evidence_blend=arbitration.evidence.blend,
    )


def trigger_body(catalog: schema.Catalog) -> tuple[plan.Trigger, ...]:
    return tuple(
        plan.Trigger(trigger.id, trigger.model_dump(by_alias=True, exclude_none=True)) for trigger in catalog.triggers
    )
