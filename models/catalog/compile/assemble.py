"""The plan, put together from its parts, and its version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from models.catalog import schema
from models.catalog.compile import masks, offers, places, policies
from models.catalog.compile.customer import compile_features, grouped
from models.catalog.compile.experiments import compile_experiments, treatment_weights
from models.catalog.compile.rule_table import RuleTable
from models.catalog.compile.targets import compile_targets
from models.catalog.plan import Action, Attribute, Plan, Segment
from models.catalog.schema.fields import load_zone


def plain(catalog: schema.Catalog) -> dict[str, Any]:
    """The catalog as plain data, as it was written: keys in schema order, no defaults, no nulls."""
    written: dict[str, Any] = catalog.model_dump(by_alias=True, exclude_unset=True, exclude_none=True)
    return written


def content_version(written: Mapping[str, Any]) -> str:
    """``sha256:<hex>`` over the canonical JSON: equal for equal catalogs, whatever the order of their keys."""
    text = json.dumps(written, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def compile_plan(catalog: schema.Catalog) -> Plan:
    """A checked catalog -> its plan. Raises ValueError when a rule does not compile."""
    rules = RuleTable()
    segments = tuple(Segment(segment.id, rules.add_segment(segment)) for segment in catalog.segments)
    action_index = {action.id: index for index, action in enumerate(catalog.actions)}
    actions = _actions(catalog, rules)
    columns = {
        name: masks.int32_column([rules.add(getattr(action, name)) for action in catalog.actions])
        for name in ("eligibility", "applicability", "suitability", "context_weight")
    }
    contact_policies = tuple(policies.compile_policy(each, action_index, rules) for each in catalog.contact_policies)
    for trigger in catalog.triggers:
        rules.add(trigger.when)
    channels = {channel.id: places.compile_channel(channel) for channel in catalog.channels}
    treatments = {treatment.id: treatment for action in actions for treatment in action.treatments}
    placements = {each.id: places.compile_placement(each, treatments) for each in catalog.placements}
    features = compile_features(catalog)
    valid_from, valid_until = masks.validity(actions)
    written = plain(catalog)
    return Plan(
        version=content_version(written), catalog=written, name=catalog.name, currency=catalog.currency,
        zone=load_zone(catalog.timezone), channels=channels, placements=placements,
        attributes={each.id: Attribute(each.id, each.type) for each in catalog.attributes},
        features=features, feature_index={feature.id: feature.index for feature in features},
        features_by_event=grouped((feature.event, feature.index) for feature in features),
        features_by_outcome=grouped((feature.outcome, feature.index) for feature in features),
        rules=rules.rules(), segments=segments, targets=compile_targets(catalog),
        budgets={budget.id: places.compile_budget(budget) for budget in catalog.budgets},
        actions=actions, action_index=action_index, policies=contact_policies,
        triggers=places.trigger_body(catalog), arbitration=places.compile_arbitration(catalog.arbitration),
        policy_window_ms=policies.longest_window_ms(contact_policies),
        rests_by_event=policies.rests_by_event(contact_policies), **columns,
        value=masks.float_column([action.value for action in actions]),
        lever=masks.float_column([action.lever for action in actions]),
        is_candidate=masks.frozen_mask([not action.fallback for action in actions]),
        is_mandatory=masks.frozen_mask([action.mandatory for action in actions]),
        valid_from=valid_from, valid_until=valid_until,
        channel_mask=masks.channel_masks(actions, channels), treatments_at=masks.treatments_at(actions, placements),
        scope_mask=masks.scope_masks(actions, channels), experiments=compile_experiments(catalog),
        treatment_weights=treatment_weights(catalog),
    )


def _actions(catalog: schema.Catalog, rules: RuleTable) -> tuple[Action, ...]:
    groups = offers.group_places(catalog)
    channel_of = {placement.id: placement.channel for placement in catalog.placements}
    return tuple(
        offers.compile_action(index, action, groups, channel_of, rules) for index, action in enumerate(catalog.actions)
    )
