"""What the API tells of one customer, of a decision with many candidates, and of another catalog: for the pages Why,
Customer and What-if."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, Final

from models.catalog.check import check_text
from models.errors import BadInput
from support.console_api import Asked, Refusal

CUSTOMER: Final = "hh-1229"
DECISION: Final = "0b1f9c22d4e84c6d8a31f6a2b7c9e015"
AT: Final = "2026-11-22T18:03:11.250Z"
VERSION: Final = "sha256:" + "5f0c9a" * 10 + "7d1e"
EXAMPLE: Final = (Path(__file__).resolve().parents[2] / "cluster" / "example_catalog.yaml").read_text()
CATALOG: Final[dict[str, Any]] = dict(check_text(EXAMPLE).catalog)
ACTIONS: Final = (
    ("bakery_morning", 0.092, 0.211), ("wine_club", 0.061, 0.183), ("fresh_fish_friday", 0.055, 0.171),
    ("ask_feedback", 0.031, 0.009), ("recipe_box", 0.024, 0.0312),
)
RULED: Final = {
    "eligibility": [
        ("come_back", "segments.lapsing"), ("offer_help", "segments.struggling"),
        ("cart_reminder", "profile.carts_1d >= 1"), ("baby_welcome", "profile.household_size >= 3.0"),
        ("senior_day", "has(profile.age_band) && profile.age_band == '65+'"),
    ],
    "applicability": [("checkout_upsell", "has(context.page) && context.page == '/cart'")],
    "suitability": [("wine_tasting", "profile.spend_28d > 300.0 && segments.loyal")],
    "treatment": [("app_only_bonus", None), ("receipt_survey", None)],
    "contact_policy": [("cheese_week", "coupon_rest"), ("coffee_coupon", "coupon_rest")],
    "budget": [("double_points", "coupon_pool")],
    "valid": [("summer_grill", None)],
}
DETAILS: Final = {
    "eligibility": "rule is false", "applicability": "rule is false", "suitability": "rule is false",
    "treatment": "no treatment for home_hero, home_strip", "valid": "valid until 2026-09-01T04:00:00Z",
    "contact_policy": "2 of 2 used, next free 2026-11-25T09:14:00Z", "budget": "0 coupon free here, 1 needed",
}


def answers() -> dict[tuple[str, str], Any]:
    return {
        ("GET", "/v1/catalog"): {"catalog_version": VERSION, "catalog": CATALOG},
        ("GET", "/v1/clock"): {"time": "2026-11-22T18:19:41.207Z"},
        ("GET", f"/v1/customers/{CUSTOMER}"): _customer_at,
        ("GET", f"/v1/customers/{CUSTOMER}/timeline"): {"items": timeline(), "next_before": "4711.0"},
        ("DELETE", f"/v1/customers/{CUSTOMER}"): {"customer_id": CUSTOMER, "receipt": "er-7f31", "time": AT},
        ("GET", f"/v1/decisions/{DECISION}"): decision(),
        ("GET", f"/v1/decisions/{DECISION}/explanation"): explanation(),
        ("POST", f"/v1/decisions/{DECISION}:rerun"): {
            "same": True, "bytes": 812, "logged_sha256": "ab31" * 16, "rerun_sha256": "ab31" * 16,
        },
        ("POST", "/v1/explanations"): explained_now(),
        ("PUT", "/v1/catalog"): _catalog_put,
        ("POST", "/v1/whatif"): _what_if,
    }


def customer() -> dict[str, Any]:
    contacts = [
        ("2026-10-29T14:20:00Z", "ask_feedback", "feedback_strip", "web"),
        ("2026-11-09T08:31:00Z", "come_back", "come_back_email", "email"),
        ("2026-11-16T15:02:00Z", "dairy_coupon", "dairy_strip", "web"),
        ("2026-11-18T12:11:00Z", "cheese_week", "cheese_hero", "web"),
        ("2026-11-20T23:40:00Z", "cart_reminder", "cart_push", "push"),
        (AT, "dairy_coupon", "dairy_hero", "web"),
    ]
    return {
        "customer_id": CUSTOMER, "state_version": 39,
        "attributes": {"age_band": "35-44", "employee": False, "household_size": 3.0},
        "features": {
            "baskets_28d": 6, "spend_28d": 211.4, "spend_mean": 38.1275, "basket_max_90d": 91.02,
            "days_since_basket": 0.752, "departments_90d": 11, "last_total": 41.17, "errors_1h": 0, "carts_1d": 1,
        },
        "segments": ["loyal"], "consent": {"marketing": True, "research": False},
        "contacts": [
            {"decision_id": f"d{place:031x}", "action": action, "treatment": treatment, "channel": channel, "time": at}
            for place, (at, action, treatment, channel) in enumerate(contacts)
        ],
        "holds": [
            {"decision_id": DECISION, "action": "bakery_morning", "treatment": "bakery_email", "channel": "email",
             "hold_expires": "2026-11-24T18:03:11Z"},
        ],
        "intents": [], "scores": {"churn_risk": {"value": 0.182, "version": "s-3", "time": AT}},
        "experiments": {
            "hero_copy": {"variant": "short", "since": AT, "until": "2026-12-06T18:03:11Z", "observed": False},
        },
        "policies": [
            _policy("three_a_day", "limit", 3, 1, "24h", False, "1 of 3 used"),
            _policy("one_push_a_day", "limit", 1, 0, "24h", False, "0 of 1 used", channel="push"),
            _policy("coupon_rest", "limit", 2, 2, "7d", True, "2 of 2 used, next free 2026-11-23T15:02:00Z",
                    what="dairy_coupon", next_free="2026-11-23T15:02:00Z"),
            _policy("took_no_for_an_answer", "rest", None, None, "30d", False, "0 reject counted, rests after 1"),
            _policy("not_both", "exclusive", None, None, "7d", True, "too close to dairy_coupon, next free "
                    "2026-11-29T18:03:11Z", what="come_back", next_free="2026-11-29T18:03:11Z"),
        ],
    }


def _policy(
    policy: str, kind: str, limit: int | None, used: int | None, window: str, refuses: bool, detail: str, *,
    channel: str | None = None, what: str | None = None, next_free: str | None = None,
) -> dict[str, Any]:
    return {
        "policy": policy, "kind": kind, "channel": channel, "per": None, "what": what, "limit": limit, "used": used,
        "window": window, "next_free": next_free, "refuses": refuses, "detail": detail,
    }


def _customer_at(asked: Asked) -> Any:
    """Before version 38 the last basket had not come, and ``marketing`` was not given."""
    as_of = asked.params.get("as_of")
    found = customer()
    if as_of is None:
        return found
    if as_of.isdecimal() and int(as_of) > found["state_version"]:
        return Refusal(422, f"version {as_of} was not reached yet; the customer is at 39")
    version = int(as_of) if as_of.isdecimal() else 36
    found["state_version"] = version
    at = {37: "2026-11-21T20:01:44Z"}.get(version, "2026-11-20T23:52:00Z")
    found["as_of"] = {"state_version": version, "time": at}
    if version < 38:
        found["features"] |= {"baskets_28d": 5, "spend_28d": 170.23, "last_total": 18.4}
        found["consent"] = {"research": False}
    if version < 39:
        found["contacts"], found["holds"] = found["contacts"][:-1], []
    return found


def timeline() -> list[dict[str, Any]]:
    body = {**decision()["decision"]}
    return [
        {"kind": "outcome", "time": "2026-11-22T18:03:19Z", "id": "o-1", "state_version": 39, "body": {
            "outcome_id": "o-1", "decision_id": DECISION, "action": "dairy_coupon", "type": "impression",
            "time": "2026-11-22T18:03:19Z", "value": None}},
        {"kind": "decision", "time": AT, "id": DECISION, "state_version": 39, "body": body},
        {"kind": "event", "time": "2026-11-22T00:16:02Z", "id": "b-9001", "state_version": 38, "body": {
            "event_id": "b-9001", "type": "basket", "time": "2026-11-22T00:16:02Z", "channel": "pos",
            "properties": {"total": 41.17, "departments": ["DAIRY", "PRODUCE", "<script>alert(1)</script>"]}}},
        {"kind": "event", "time": "2026-11-21T20:01:44Z", "id": "e-311", "state_version": 37, "body": {
            "event_id": "e-311", "type": "cart_abandoned", "time": "2026-11-21T20:01:44Z", "channel": "app",
            "properties": {"value": 62.4, "items": 7}}},
        {"kind": "outcome", "time": "2026-11-20T23:52:00Z", "id": "o-0", "state_version": 36, "body": {
            "outcome_id": "o-0", "decision_id": "d0004", "action": "cart_reminder", "type": "convert",
            "time": "2026-11-20T23:52:00Z", "value": 54.2}},
    ]


def _item(rank: int, action: str, treatment: str, fallback: bool = False) -> dict[str, Any]:
    return {
        "rank": rank, "action": action, "treatment": treatment, "fallback": fallback,
        "content": {"title": "25% off dairy"}, "propensity": None if fallback else 0.131,
        "priority": None if fallback else 0.25938, "selection_probability": 1.0 if fallback else 0.92,
        "hold_expires": None,
    }


def decision() -> dict[str, Any]:
    return {
        "decision_id": DECISION, "customer_id": CUSTOMER, "channel": "web", "time": AT, "state_version": 39,
        "request": {
            "request_id": "r-1", "customer_id": CUSTOMER, "channel": "web",
            "placements": [{"id": "home_hero", "count": 1}, {"id": "home_strip", "count": 3}],
            "context": {"device": "mobile", "page": "/"}, "event": {
                "event_id": "r-1", "type": "page_view", "time": AT, "channel": "web", "properties": {"page": "/"}},
            "exclude": [],
        },
        "decision": {
            "decision_id": DECISION, "request_id": "r-1", "customer_id": CUSTOMER, "time": AT, "state_version": 39,
            "catalog_version": VERSION, "scorer_version": "s-3", "control_group": None, "degraded": False,
            "dry_run": False, "placements": [
                {"placement": "home_hero", "items": [_item(1, "dairy_coupon", "dairy_hero")]},
                {"placement": "home_strip", "items": [
                    _item(1, "bakery_morning", "bakery_strip"), _item(2, "brand_story", "brand_strip", True)]},
            ],
        },
    }


def explanation() -> dict[str, Any]:
    order = ("request", "control_group", "valid", "eligibility", "applicability", "suitability", "consent",
             "quiet_hours", "treatment", "contact_policy", "budget")
    ranked = [_ranked("dairy_coupon", 0.131, 0.25938, place="home_hero"),
              _ranked(*ACTIONS[0], place="home_strip"), *(_ranked(*each) for each in ACTIONS[1:])]
    removed = [
        {"action": action, "removed_by": gate, "rule": rule, "detail": DETAILS[gate]}
        for gate, found in RULED.items() for action, rule in found
    ]
    left = len(ranked) + len(removed)
    funnel = {"candidates": left}
    for gate in order:
        left -= len(RULED.get(gate, ()))
        funnel[gate] = left
    return {
        "decision_id": DECISION, "time": AT, "seed": "8c41f0aa917be2035d6ff0b1c2a7e944",
        "versions": {"catalog": VERSION, "scorer": "s-3", "evidence": "9", "state": 38},
        "funnel": {**funnel, "ranked": left, "chosen": 2}, "candidates": [*ranked, *removed],
        "experiments": {"hero_copy": "short"},
    }


def _ranked(action: str, propensity: float, priority: float, *, place: str | None = None) -> dict[str, Any]:
    numbers = {
        "propensity": propensity, "propensity_source": "scorer" if propensity > 0.03 else "evidence",
        "scorer_weight": 0.83 if propensity > 0.03 else 0.0, "scorer_propensity": propensity * 1.04,
        "evidence_propensity": 0.05, "context_weight": 1.5 if action == "ask_feedback" else 1.0, "value": 1.8,
        "lever": 1.1, "priority": priority, "top_features": [
            ["baskets_28d", 0.21], ["days_since_basket", 0.12], ["spend_28d", -0.05], ["hour_of_day", -0.11],
        ],
    }
    if place is None:
        detail = "others took the positions"
        return {"action": action, "removed_by": "not_chosen", "rule": None, "detail": detail, **numbers}
    return {"action": action, "placement": place, "rank": 1, **numbers, "selection_probability": 0.92}


def explained_now() -> dict[str, Any]:
    """A day later somebody else is shown, since a policy refuses the first."""
    now = copy.deepcopy(explanation())
    now["time"] = "2026-11-22T18:19:41.207Z"
    now["versions"] |= {"catalog": "sha256:" + "77" * 32, "evidence": "12", "state": 39}
    first, second = now["candidates"][0], now["candidates"][2]
    now["candidates"][0] = {"action": first["action"], "removed_by": "contact_policy", "rule": "coupon_rest",
                            "detail": "2 of 2 used, next free 2026-11-23T15:02:00Z"}
    now["candidates"][2] = _ranked(second["action"], 0.061, 0.183, place="home_hero")
    body = copy.deepcopy(decision()["decision"])
    body["placements"][0]["items"] = [_item(1, "wine_club", "wine_hero")]
    return {**body, "decision_id": None, "dry_run": True, "explanation": now}


def _catalog_put(asked: Asked) -> Any:
    """Checked as the gateway does; ``if-match`` of another version than the live one is a 409."""
    try:
        version = check_text(asked.body.decode()).version
    except BadInput as error:
        return Refusal(422, error.detail, tuple(error.errors))
    if asked.params.get("dry_run") == "true":
        return {"catalog_version": version, "dry_run": True}
    if asked.headers.get("if-match", "").strip('"') != VERSION:
        return Refusal(409, "another catalog is live")
    return {"catalog_version": version, "adopted": [0, 1]}


def _what_if(asked: Asked) -> Any:
    try:
        version = check_text(asked.data["catalog"]).version
    except BadInput as error:
        return Refusal(422, error.detail, tuple(error.errors))
    ids = [one["customer_id"] for one in asked.data.get("requests", ())] or [f"hh-{1200 + n}" for n in range(25)]
    results = [_result(id_, place) for place, id_ in enumerate(ids)]
    return {
        "catalog_version": version, "live_version": VERSION, "asked": len(ids) + 1, "results": results,
        "changed": sum(result["changed"] for result in results),
        "skipped": [{"customer_id": "hh-9", "reason": "there is no such customer"}],
        "notes": ["These features are new or counted anew and start empty: carts_7d."],
    }


def _result(id_: str, place: int) -> dict[str, Any]:
    live = ("dairy_coupon", "come_back")[place % 2]
    candidate = live if place % 3 else ("ask_feedback", "cart_reminder", "dairy_coupon")[place % 2]
    differences = [] if live == candidate else [{
        "placement": "home_hero", "rank": 1, "live": live, "candidate": candidate,
        "why": f"{live} falls at eligibility under the new catalog: rule is false (segments.loyal); "
               f"{candidate} is next with priority 0.124.",
    }]
    return {
        "customer_id": id_, "channel": "web", "changed": bool(differences), "differences": differences,
        "live": {"placements": [{"placement": "home_hero", "items": [_item(1, live, "t")]}]},
        "candidate": {"placements": [{"placement": "home_hero", "items": [_item(1, candidate, "t")]}]},
    }
