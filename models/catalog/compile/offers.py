"""Actions with their treatments, and the levers of the hierarchy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.catalog import plan, schema
from models.catalog.compile.rule_table import RuleTable
from models.catalog.schema import offers
from models.catalog.schema.fields import parse_duration_ms
from models.times import parse_time_ms


@dataclass(frozen=True, slots=True)
class GroupPlace:
    """Where a group stands in the hierarchy; ``lever`` is the percent of issue and group together."""

    issue: str
    lever: float


def group_places(catalog: schema.Catalog) -> dict[str, GroupPlace]:
    return {
        group.id: GroupPlace(issue.issue, issue.lever + group.lever)
        for issue in catalog.hierarchy for group in issue.groups
    }


def compile_action(
    index: int, action: offers.Action, groups: Mapping[str, GroupPlace], channel_of: Mapping[str, str],
    rules: RuleTable,
) -> plan.Action:
    """``channel_of``: placement id -> channel id."""
    place = groups[action.group]
    valid = action.valid or offers.Valid()
    treatments = tuple(_treatment(index, action, treatment, channel_of, rules) for treatment in action.treatments)
    return plan.Action(
        index=index, id=action.id, group=action.group, issue=place.issue, fallback=action.fallback,
        mandatory=action.mandatory, value=action.value or 0.0, lever=1 + (place.lever + action.lever) / 100,
        valid_from_ms=parse_time_ms(valid.from_) if valid.from_ else None,
        valid_until_ms=parse_time_ms(valid.until) if valid.until else None,
        accept_outcome=action.accept.outcome, accept_within_ms=parse_duration_ms(action.accept.within),
        treatments=treatments, tags=frozenset(tag for treatment in treatments for tag in treatment.tags),
    )


def _treatment(
    action_at: int, action: offers.Action, treatment: offers.Treatment, channel_of: Mapping[str, str], rules: RuleTable,
) -> plan.Treatment:
    uses = [use for use in (action.budget, treatment.budget) if use is not None]
    costs: dict[str, int] = {}
    for use in uses:
        costs[use.id] = costs.get(use.id, 0) + use.units
    return plan.Treatment(
        id=treatment.id, action=action_at, placement=treatment.placement, channel=channel_of[treatment.placement],
        content=treatment.content, tags=tuple(treatment.tags), when=rules.add(treatment.when),
        budgets=tuple(plan.BudgetUse(use.id, use.units) for use in uses), costs=tuple(costs.items()),
    )
