"""A small catalog with every kind of promise in it, and limits so tight that random traffic runs into them."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from models.catalog.check import check_data
from models.catalog.plan import Plan

CUSTOMERS: Final = tuple(f"c-{number}" for number in range(4))
CHANNELS: Final = {"web": ("hero", "strip"), "push": ("message",), "desk": ("script",)}


def catalog() -> dict[str, Any]:
    """Plain data, as a business writes it."""
    return {
        "catalog": 1, "name": "simulated", "currency": "EUR", "timezone": "Europe/Berlin",
        "channels": [
            {"id": "web", "direction": "inbound", "hold_ttl": "10m"},
            {"id": "push", "direction": "outbound", "consent": "marketing", "hold_ttl": "1h"},
            {"id": "desk", "direction": "inbound", "hold_ttl": "30m"},
        ],
        "placements": [
            {"id": "hero", "channel": "web", "fallback": ["story_hero"]},
            {"id": "strip", "channel": "web", "count_max": 3},
            {"id": "message", "channel": "push"},
            {"id": "script", "channel": "desk", "count_max": 2},
        ],
        "attributes": [
            {"id": "staff", "type": "bool"}, {"id": "size", "type": "number"}, {"id": "band", "type": "string"},
        ],
        "features": [
            {"id": "baskets", "event": "basket", "aggregate": "count", "window": "2h"},
            {"id": "spend", "event": "basket", "aggregate": "sum", "field": "total", "window": "2h"},
            {"id": "clicks", "outcome": "click", "aggregate": "count", "window": "1d"},
        ],
        "segments": [{"id": "buyer", "when": "profile.baskets >= 1"}],
        "hierarchy": [
            {"issue": "grow", "lever": 0, "groups": [{"id": "coupons", "lever": 10}, {"id": "gifts", "lever": 0}]},
            {"issue": "serve", "lever": 0, "groups": [{"id": "help", "lever": 0}]},
        ],
        "budgets": [
            {"id": "pool", "unit": "coupon", "cap": 12},
            {"id": "daily", "unit": "EUR", "cap": 9, "period": "hour"},
            {"id": "minutes", "unit": "minute", "cap": 10, "period": "day", "spend_on": "contact"},
        ],
        "actions": _actions(),
        "contact_policies": [
            {"id": "two_pushes", "scope": {"channel": "push"}, "limit": 2, "window": "3h"},
            {"id": "four_at_all", "limit": 4, "window": "2h"},
            {"id": "once_an_hour", "scope": {"group": "coupons"}, "limit": 1, "window": "1h", "per": "action"},
            {"id": "no_means_no", "scope": {"group": "coupons"}, "after": {"outcome": "reject", "count": 1},
             "rest": "4h", "per": "action"},
            {"id": "bought", "scope": {"action": "gift"},
             "after": {"event": "basket", "when": "event.properties.total > 50.0"}, "rest": "1h"},
            {"id": "not_both", "exclusive": ["ten_off", "five_off"], "window": "2h"},
            {"id": "no_gift_after_help", "never": "gift", "after": {"action": "help"}, "window": "90m"},
        ],
        "arbitration": {
            "factors": {"propensity": 1.0, "context": 1.0, "value": 1.0, "lever": 1.0},
            "exploration": {"method": "inverse_gap", "gamma": 20, "share": 0.4},
            "control_group": {"id": "held_out", "share": 0.1, "rotate": "month"},
            "evidence": {"prior": 0.1, "strength": 5},
        },
    }


def _actions() -> list[dict[str, Any]]:
    within = {"outcome": "accept", "within": "2h"}
    return [
        {"id": "ten_off", "group": "coupons", "value": 3.0, "accept": within, "budget": {"id": "pool", "units": 2},
         "treatments": [{"id": "ten_hero", "placement": "hero", "content": {"t": "ten"}},
                        {"id": "ten_push", "placement": "message", "content": {"t": "ten"}}]},
        {"id": "five_off", "group": "coupons", "value": 2.0, "accept": within, "budget": {"id": "pool", "units": 1},
         "eligibility": "!has(profile.staff) || profile.staff == false",
         "treatments": [{"id": "five_strip", "placement": "strip", "content": {"t": "five"}},
                        {"id": "five_push", "placement": "message", "content": {"t": "five"}}]},
        {"id": "gift", "group": "gifts", "value": 4.0, "accept": {"outcome": "convert", "within": "1h"},
         "budget": {"id": "daily", "units": 3},
         "treatments": [{"id": "gift_strip", "placement": "strip", "content": {"t": "gift"}},
                        {"id": "gift_script", "placement": "script", "content": {"t": "gift"}}]},
        {"id": "help", "group": "help", "value": 1.0, "accept": within,
         "context_weight": "has(context.page) && context.page == '/help' ? 2.0 : 1.0",
         "treatments": [{"id": "help_script", "placement": "script", "content": {"t": "help"},
                         "budget": {"id": "minutes", "units": 3}},
                        {"id": "help_strip", "placement": "strip", "content": {"t": "help"}}]},
        {"id": "survey", "group": "help", "value": 0.5, "applicability": "segments.buyer", "accept": within,
         "budget": {"id": "daily", "units": 1},
         "treatments": [{"id": "survey_script", "placement": "script", "content": {"t": "survey"},
                         "budget": {"id": "minutes", "units": 2}},
                        {"id": "survey_push", "placement": "message", "content": {"t": "survey"}}]},
        {"id": "story", "group": "gifts", "fallback": True,
         "treatments": [{"id": "story_hero", "placement": "hero", "content": {"t": "story"}}]},
    ]


@cache
def plan() -> Plan:
    return check_data(catalog())


def experiments() -> list[dict[str, Any]]:
    """Two of one namespace and one of another, of which the first concerns one channel."""
    return [
        {"id": "bolder", "share": 0.5, "observe": "3h", "channels": ["web"], "variants": [
            {"id": "as_is", "weight": 1},
            {"id": "bold", "weight": 1, "arbitration": {"exploration": {"gamma": 2.0, "share": 0.8}}},
            {"id": "sampled", "weight": 98, "arbitration": {"exploration": {"method": "thompson", "share": 0.7}}},
        ]},
        {"id": "thrifty", "share": 0.5, "observe": "1h", "metric": "value", "variants": [
            {"id": "as_is", "weight": 1}, {"id": "cheap", "weight": 10, "arbitration": {"factors": {"value": 0.0}}},
        ]},
        {"id": "trusting", "namespace": "evidence", "share": 0.8, "observe": "12h", "variants": [
            {"id": "as_is", "weight": 1}, {"id": "slow", "weight": 1, "arbitration": {"evidence": {"strength": 50.0}}},
        ]},
    ]


def _weigh_treatments(actions: list[dict[str, Any]]) -> None:
    """Some actions have several treatments where they are shown, drawn by weight, of other costs."""
    _, _, gift, help_, *_ = actions
    gift["treatments"][0]["weight"] = 2
    gift["treatments"].append({"id": "gift_wrapped", "placement": "strip", "content": {"t": "wrapped"}, "weight": 1})
    help_["treatments"][0]["weight"] = 1
    help_["treatments"].append({
        "id": "help_brief", "placement": "script", "content": {"t": "brief"}, "weight": 3,
        "budget": {"id": "minutes", "units": 1},
    })


_SCORED: Final = "has(profile.scores.eagerness)"


@cache
def other_plan() -> Plan:
    """A later version: the same promises, other values, holds and features, experiments, targets that rules read."""
    changed = catalog()
    changed["targets"] = [
        {"id": "eagerness", "predict": "any", "event": "basket"},
        {"id": "best_channel", "predict": "channel", "outcome": "click"},
    ]
    changed["segments"].append({"id": "eager", "when": f"{_SCORED} && profile.scores.eagerness > 0.5"})
    changed["actions"][3]["context_weight"] = f"{_SCORED} && segments.eager ? 1.0 + profile.scores.eagerness : 1.0"
    changed["actions"][4]["suitability"] = (
        "!has(profile.scores.best_channel) || profile.scores.best_channel != 'push' || context.page == '/help'"
    )
    _weigh_treatments(changed["actions"])
    changed["experiments"] = experiments()
    # With these weights the four customers meet Thompson sampling, a variant's own scorer, and its own draw.
    changed["experiments"][1]["variants"].append(
        {"id": "drawn", "weight": 9, "scorer": "named-1", "treatments": {"gift_strip": 0, "help_brief": 5}}
    )
    changed["channels"][0]["hold_ttl"] = "5m"
    changed["features"][1] = {"id": "spend", "event": "basket", "aggregate": "mean", "field": "total", "window": "1d"}
    changed["actions"][2]["value"] = 9.0
    return check_data(changed)
