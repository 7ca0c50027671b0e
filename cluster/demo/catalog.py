"""The demo's catalog, generated from the real campaigns: what a grocer with these campaigns would have written.

A campaign is an action of the group of its type; its tags are the departments of its coupons. Mailings go out by
``email``, checkouts are decided at the till (``pos``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from cluster.client import PlacementAsked
from cluster.demo.baskets import DEPARTMENTS
from cluster.demo.journey import ZONE, Campaign, Household, Journey, local_ms
from models.times import local_datetime

CHANNEL_MAIL: Final = "email"
CHANNEL_TILL: Final = "pos"
MAIL_PLACEMENTS: Final[tuple[PlacementAsked, ...]] = ({"id": "mail_lead"}, {"id": "mail_more", "count": 2})
TILL_PLACEMENTS: Final[tuple[PlacementAsked, ...]] = ({"id": "receipt"},)
CONSENT: Final = "marketing"
#: Share of a basket that is margin, before the discount of its coupons.
_MARGIN: Final = 0.25
_VALUE_MIN: Final = 0.25
#: A campaign has units for as many open offers per household that it was sent to; beyond, its budget is dry.
_OFFERS_PER_HOUSEHOLD: Final = 3
_OFFERS_MIN: Final = 5
_TAGS_MAX: Final = 6
_TYPES: Final = ("A", "B", "C")


def demo_catalog(journey: Journey, households: Iterable[Household], cut_off_ms: int) -> dict[str, Any]:
    """The catalog as plain data. ``households`` are those that will be replayed: they size the budgets.

    Values come from baskets before the cut-off only.
    """
    chosen = list(households)
    values = _values(journey, cut_off_ms)
    sent = {one: sum(one in home.campaigns for home in chosen) for one in journey.campaigns}
    return {
        "catalog": 1, "name": "complete_journey", "currency": "USD", "timezone": str(ZONE),
        "channels": [
            {"id": CHANNEL_MAIL, "direction": "outbound", "consent": CONSENT,
             "quiet_hours": {"from": "21:00", "to": "08:00"}, "hold_ttl": "48h"},
            {"id": CHANNEL_TILL, "direction": "inbound", "hold_ttl": "10m"},
        ],
        "placements": [
            {"id": "mail_lead", "channel": CHANNEL_MAIL, "fallback": ["weekly_letter_lead"]},
            {"id": "mail_more", "channel": CHANNEL_MAIL, "count_max": 2},
            {"id": "receipt", "channel": CHANNEL_TILL, "fallback": ["thank_you_receipt"]},
        ],
        "attributes": _attributes(), "features": _features(), "segments": _segments(),
        "hierarchy": [
            {"issue": "grow", "lever": 0, "groups": [{"id": _group(type_), "lever": 0} for type_ in _TYPES]},
            {"issue": "serve", "lever": 0, "groups": [{"id": "courtesy", "lever": 0}]},
        ],
        "budgets": [
            {"id": "letters", "unit": "offer", "cap": max(2, 2 * len(chosen)), "period": "day", "spend_on": "contact"},
            *(_budget(one, sent[one.id]) for one in journey.campaigns.values()),
        ],
        "actions": [*(_action(one, values[one.type]) for one in journey.campaigns.values()), *_fallbacks()],
        "contact_policies": _policies(journey),
        "arbitration": {
            "factors": {"propensity": 1.0, "context": 1.0, "value": 1.0, "lever": 1.0},
            "exploration": {"method": "inverse_gap", "gamma": 200, "share": 0.10},
            "control_group": {"id": "universal", "share": 0.02, "rotate": "month"},
            "evidence": {"prior": 0.08, "strength": 20},
        },
    }


def scorer_features() -> tuple[str, ...]:
    """What the demo's scorer reads: everything that is known alike of an old mailing and of a live decision.

    Left out: the hour and the channel (all training rows are mailings at ten) and evidence (none was kept of old ones).
    """
    columns = [f"profile.{one['id']}" for one in _features() if "outcome" not in one]
    columns += [f"attribute.{one['id']}" for one in _attributes() if one["type"] != "string"]
    groups = (f"group.{_group(type_)}" for type_ in _TYPES)
    return (*columns, "action.value", *groups, *(f"tag.{tag}" for tag in DEPARTMENTS))


def _group(type_: str) -> str:
    return f"type_{type_.lower()}"


def _attributes() -> list[dict[str, Any]]:
    numbers = ("age", "income", "household_size", "children")
    return [
        {"id": "age_band", "type": "string"}, {"id": "income_band", "type": "string"},
        *({"id": name, "type": "number"} for name in numbers),
        {"id": "homeowner", "type": "bool"}, {"id": "married", "type": "bool"},
    ]


def _features() -> list[dict[str, Any]]:
    def over(id_: str, aggregate: str, field: str | None = None, window: str | None = None) -> dict[str, Any]:
        extra = {name: value for name, value in (("field", field), ("window", window)) if value is not None}
        return {"id": id_, "event": "basket", "aggregate": aggregate, **extra}

    return [
        over("baskets_28d", "count", window="28d"), over("baskets_90d", "count", window="90d"),
        over("spend_28d", "sum", "total", "28d"), over("spend_90d", "sum", "total", "90d"),
        over("spend_mean", "mean", "total", "365d"), over("basket_max_90d", "max", "total", "90d"),
        over("basket_min_90d", "min", "total", "90d"), over("days_since_basket", "days_since_last"),
        over("departments_90d", "distinct", "departments", "90d"), over("last_total", "last", "total"),
        over("discount_90d", "sum", "discount", "90d"), over("coupon_discount_90d", "sum", "coupon_discount", "90d"),
        over("coupons_28d", "sum", "coupons", "28d"), over("coupons_365d", "sum", "coupons", "365d"),
        {"id": "recent_spend", "event": "basket", "aggregate": "decayed_sum", "field": "total", "half_life": "14d"},
        {"id": "discount_share", "aggregate": "ratio", "of": ["discount_90d", "spend_90d"]},
        *(over(f"{name}_90d", "sum", f"spend.{name}", "90d") for name in DEPARTMENTS),
        {"id": "offers_taken_90d", "outcome": "accept", "issue": "grow", "aggregate": "count", "window": "90d"},
    ]


def _segments() -> list[dict[str, Any]]:
    return [
        {"id": "loyal", "when": "profile.baskets_28d >= 4"},
        {"id": "lapsing", "when": "has(profile.days_since_basket) && profile.days_since_basket > 21.0"},
        {"id": "coupon_friend", "when": "profile.coupons_365d >= 3.0 || profile.offers_taken_90d >= 1"},
    ]


def _action(campaign: Campaign, value: float) -> dict[str, Any]:
    title = f"Campaign {campaign.id}: {campaign.coupons} coupons"
    mailed = {"content": {"subject": title}, "budget": {"id": "letters", "units": 1}}
    return {
        "id": campaign.action, "group": _group(campaign.type), "value": value,
        "valid": {"from": _midnight(campaign.starts), "until": _midnight(campaign.ends + timedelta(days=1))},
        "applicability": "profile.baskets_90d >= 1",
        # Whoever has gone quiet hears of one broad campaign, not of every narrow one.
        **({} if campaign.type == "A" else {"suitability": "!segments.lapsing || segments.coupon_friend"}),
        "accept": {"outcome": "accept", "within": f"{campaign.days}d"},
        "budget": {"id": _budget_id(campaign), "units": 1},
        "treatments": [
            {"id": f"{campaign.action}_lead", "placement": "mail_lead", "tags": _tags(campaign), **mailed},
            {"id": f"{campaign.action}_more", "placement": "mail_more", **mailed},
            {"id": f"{campaign.action}_receipt", "placement": "receipt", "content": {"text": f"Remember: {title}"}},
        ],
    }


def _tags(campaign: Campaign) -> list[str]:
    named = {department: name for name, department in DEPARTMENTS.items()}
    return [named[department] for department in campaign.departments if department in named][:_TAGS_MAX]


def _fallbacks() -> list[dict[str, Any]]:
    return [
        {"id": "weekly_letter", "group": "courtesy", "fallback": True, "treatments": [
            {"id": "weekly_letter_lead", "placement": "mail_lead", "content": {"subject": "This week at the store"}}]},
        {"id": "thank_you", "group": "courtesy", "fallback": True, "treatments": [
            {"id": "thank_you_receipt", "placement": "receipt", "content": {"text": "Thank you for shopping"}}]},
    ]


def _policies(journey: Journey) -> list[dict[str, Any]]:
    policies: list[dict[str, Any]] = [
        {"id": "three_mailed_a_week", "scope": {"channel": CHANNEL_MAIL}, "limit": 3, "window": "7d"},
        {"id": "one_receipt_a_day", "scope": {"channel": CHANNEL_TILL}, "limit": 1, "window": "24h"},
        {"id": "twice_a_fortnight", "scope": {"issue": "grow"}, "limit": 2, "window": "14d", "per": "action"},
        {"id": "taken_is_taken", "scope": {"issue": "grow"}, "after": {"outcome": "accept", "count": 1}, "rest": "7d",
         "per": "action"},
        {"id": "ignored_thrice", "scope": {"issue": "grow"}, "after": {"outcome": "none", "count": 3, "window": "60d"},
         "rest": "7d", "per": "group"},
    ]
    days: dict[Any, list[str]] = {}
    for one in journey.campaigns.values():
        days.setdefault(one.starts, []).append(one.action)
    policies += [
        {"id": f"not_both_{index}", "exclusive": twins, "window": "3d"}
        for index, twins in enumerate(twins for twins in days.values() if len(twins) > 1)
    ]
    return policies


def _budget(campaign: Campaign, sent: int) -> dict[str, Any]:
    return {"id": _budget_id(campaign), "unit": "coupon", "cap": _OFFERS_MIN + _OFFERS_PER_HOUSEHOLD * sent}


def _budget_id(campaign: Campaign) -> str:
    return f"coupons_{campaign.id}"


def _values(journey: Journey, cut_off_ms: int) -> dict[str, float]:
    """Per type: mean margin, after coupons, of the baskets in which a campaign of it was first redeemed."""
    margins: dict[str, list[float]] = {type_: [] for type_ in _TYPES}
    for home in journey.households.values():
        by_time = {basket.time_ms: basket.properties for basket in home.baskets}
        for campaign, at_ms in home.redeemed_ms.items():
            if at_ms < cut_off_ms and at_ms in by_time:
                basket = by_time[at_ms]
                margin = _MARGIN * basket["total"] - basket["coupon_discount"]
                margins[journey.campaigns[campaign].type].append(margin)
    return {
        type_: max(_VALUE_MIN, round(sum(found) / len(found), 2)) if found else _VALUE_MIN
        for type_, found in margins.items()
    }


def _midnight(day: Any) -> str:
    return local_datetime(local_ms(day), ZONE).isoformat()
