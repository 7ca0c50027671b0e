"""The example catalog loads as it stands, and every key of it has its meaning in the plan."""

from __future__ import annotations

import numpy as np
import pytest

from models import limits
from models.catalog.check import check_text
from models.catalog.plan import (
    BudgetUse,
    ExclusivePolicy,
    LimitPolicy,
    NeverAfterPolicy,
    Plan,
    RestPolicy,
    Scope,
)
from models.times import parse_time_ms

HOUR, DAY = limits.HOUR_MS, limits.DAY_MS


def source(plan: Plan, rule: int) -> str:
    return plan.rules[rule].source if rule >= 0 else ""


def test_the_head_of_the_file(example: Plan) -> None:
    assert (example.name, example.currency, example.zone.key) == ("grocer", "USD", "America/New_York")
    assert example.version.startswith("sha256:")
    assert len(example.version) == 7 + 64


def test_channels_keep_direction_consent_quiet_hours_and_hold(example: Plan) -> None:
    email, web = example.channels["email"], example.channels["web"]
    assert (email.outbound, email.consent, email.hold_ttl_ms) == (True, "marketing", 48 * HOUR)
    assert email.quiet == (21 * 60, 8 * 60)
    assert (web.outbound, web.consent, web.quiet, web.hold_ttl_ms) == (False, "", None, 30 * limits.MINUTE_MS)
    assert email.direction == "outbound"
    assert list(example.channels) == ["web", "app", "pos", "call_centre", "email", "push"]


def test_placements_keep_channel_count_and_fallback(example: Plan) -> None:
    hero = example.placements["home_hero"]
    assert (hero.channel, hero.count_max, hero.fallback) == ("web", 1, (example.action_index["brand_story"],))
    assert [treatment.id for treatment in hero.fallback_treatments] == ["brand_hero"]
    assert example.placements["home_strip"].count_max == 3


def test_features_keep_feed_window_field_and_scope(example: Plan) -> None:
    by_id = {feature.id: feature for feature in example.features}
    spend, clicks = by_id["spend_28d"], by_id["coupon_clicks_90d"]
    assert (spend.event, spend.aggregate, spend.field, spend.window_ms) == ("basket", "sum", ("total",), 28 * DAY)
    assert (clicks.outcome, clicks.event, dict(clicks.scope)) == ("click", "", {"group": "coupons"})
    assert by_id["days_since_basket"].window_ms == 0
    assert example.features_by_outcome == {"click": (by_id["coupon_clicks_90d"].index,)}
    assert example.features_by_event["error"] == (by_id["errors_1h"].index,)
    assert len(example.features_by_event["basket"]) == 7
    assert len({feature.definition for feature in example.features}) == len(example.features)


def test_attributes_and_segments(example: Plan) -> None:
    assert {each.id: each.type for each in example.attributes.values()} == {
        "employee": "bool", "age_band": "string", "household_size": "number",
    }
    assert [each.id for each in example.segments] == ["loyal", "lapsing", "struggling"]
    assert source(example, example.segments[0].rule) == "profile.baskets_28d >= 4"


def test_levers_add_up_along_the_hierarchy(example: Plan) -> None:
    levers = {action.id: action.lever for action in example.actions}
    assert levers["dairy_coupon"] == pytest.approx(1.10)
    assert levers["come_back"] == pytest.approx(1.25)
    assert levers["offer_help"] == 1.0
    assert example.actions[example.action_index["come_back"]].issue == "retain"


def test_budgets_keep_unit_cap_period_and_moment(example: Plan) -> None:
    minutes, pool = example.budgets["agent_minutes"], example.budgets["coupon_pool"]
    assert (minutes.unit, minutes.cap, minutes.period, minutes.spend_on) == ("minute", 600, "hour", "contact")
    assert (pool.cap, pool.period, pool.spend_on) == (5000, "", "accept")


def test_an_action_keeps_value_validity_rules_acceptance_and_budget(example: Plan) -> None:
    at = example.action_index["dairy_coupon"]
    action = example.actions[at]
    assert (action.value, action.accept_outcome, action.accept_within_ms) == (1.8, "accept", 14 * DAY)
    assert action.valid_from_ms == parse_time_ms("2017-01-01T00:00:00-05:00") == example.valid_from[at]
    assert action.valid_until_ms == example.valid_until[at]
    assert source(example, example.eligibility[at]) == "!has(profile.employee) || profile.employee == false"
    assert source(example, example.applicability[at]) == "profile.baskets_28d >= 1"
    assert source(example, example.suitability[at]) == "!segments.struggling"
    assert action.treatments[0].budgets == (BudgetUse("coupon_pool", 1),)
    assert action.tags == {"dairy", "price"}


def test_a_treatment_keeps_content_tags_rule_and_its_own_budget(example: Plan) -> None:
    by_id = {treatment.id: treatment for action in example.actions for treatment in action.treatments}
    assert by_id["dairy_hero"].content == {"title": "25% off dairy", "image": "dairy.jpg"}
    assert by_id["dairy_hero"].tags == ("dairy", "price")
    assert source(example, by_id["dairy_email"].when) == "profile.spend_28d > 40.0"
    assert by_id["help_agent"].budgets == (BudgetUse("agent_minutes", 6),)
    assert by_id["help_agent"].channel == "call_centre"


def test_masks_tell_candidates_mandatory_and_channels(example: Plan) -> None:
    ids = np.array([action.id for action in example.actions])
    assert set(ids[~example.is_candidate]) == {"brand_story"}
    assert set(ids[example.is_mandatory]) == {"offer_help"}
    assert set(ids[example.channel_mask["push"]]) == {"come_back", "cart_reminder"}
    assert [treatment.id for _, treatment in example.treatments_at["app_card"]] == ["help_card", "feedback_card"]
    assert source(example, example.context_weight[example.action_index["ask_feedback"]]).endswith("? 1.5 : 1.0")


def test_contact_policies_take_their_four_forms(example: Plan) -> None:
    by_id = {policy.id: policy for policy in example.policies}
    assert by_id["three_a_day"] == LimitPolicy("three_a_day", Scope(direction="outbound"), 3, DAY, "")
    assert by_id["coupon_rest"] == LimitPolicy("coupon_rest", Scope(group="coupons"), 2, 7 * DAY, "action")
    assert by_id["took_no_for_an_answer"] == RestPolicy(
        "took_no_for_an_answer", Scope(group="coupons"), "reject", "", -1, 1, 30 * DAY, 30 * DAY, "action",
    )
    assert by_id["ignored_thrice"] == RestPolicy(
        "ignored_thrice", Scope(issue="grow"), "none", "", -1, 3, 30 * DAY, 14 * DAY, "group",
    )
    assert by_id["not_both"] == ExclusivePolicy("not_both", frozenset({0, 1}), 7 * DAY)
    assert by_id["never_after"] == NeverAfterPolicy(
        "never_after", frozenset({example.action_index["ask_feedback"]}), Scope(action="offer_help"), 2 * DAY,
    )
    (bought,) = example.rests_by_event["basket"]
    assert bought.id == "bought_it"
    assert source(example, bought.when) == "'DAIRY' in event.properties.departments"
    assert example.policy_window_ms == 60 * DAY


def test_triggers_are_kept_as_written(example: Plan) -> None:
    assert [trigger.id for trigger in example.triggers] == ["abandoned", "spontaneous_beats_planned"]
    assert example.triggers[0].body["plan"]["cancel_on"] == {"event": "basket"}
    assert example.triggers[1].body["supersede"] == {"channel": "email", "within": "24h"}


def test_arbitration_keeps_factors_exploration_control_group_and_evidence(example: Plan) -> None:
    policy = example.arbitration
    assert (policy.propensity, policy.context, policy.value, policy.lever) == (1.0, 1.0, 1.0, 1.0)
    assert (policy.exploration.method, policy.exploration.gamma, policy.exploration.share) == ("inverse_gap", 200, 0.1)
    assert (policy.control_id, policy.control_share, policy.control_rotate) == ("universal", 0.02, "month")
    assert (policy.evidence_prior, policy.evidence_strength) == (0.05, 20)


def test_a_scope_names_the_actions_that_it_can_concern(example: Plan) -> None:
    ids = np.array([action.id for action in example.actions])
    assert set(ids[example.scope_mask(Scope(group="baskets"))]) == {"cart_reminder", "brand_story"}
    assert set(ids[example.scope_mask(Scope(direction="outbound", issue="grow"))]) == {"dairy_coupon", "cart_reminder"}
    assert set(ids[example.scope_mask(Scope(treatment="help_card"))]) == {"offer_help"}
    assert example.scope_mask(Scope()).all()
    assert example.scope_mask(Scope(group="baskets")) is example.scope_mask(Scope(group="baskets"))


def test_a_column_of_the_plan_cannot_be_written(example: Plan) -> None:
    for column in (example.value, example.eligibility, example.is_candidate, example.scope_mask(Scope())):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1


def test_each_rule_is_compiled_once(example: Plan) -> None:
    sources = [rule.source for rule in example.rules]
    assert len(set(sources)) == len(sources)
    assert [rule.index for rule in example.rules] == list(range(len(sources)))


def test_a_rule_over_a_segment_of_the_moment_is_of_the_moment_itself(small: str) -> None:
    plan = check_text(small.replace("profile.baskets_7d >= 4", "profile.baskets_7d >= 4 && now.getHours() > 8"))
    by_source = {rule.source: rule for rule in plan.rules}
    assert by_source["segments.loyal"].dynamic
