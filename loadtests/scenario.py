"""The benchmark's catalog, customers and requests: 50 actions of which about 20 survive to scoring."""

from __future__ import annotations

import json
from typing import Any

SURVIVORS = 20
CUSTOMERS = 2_000
FEATURES = 24

#: 20 features over four kinds of events, as a grocer would have them.
_WINDOWS = ("7d", "28d", "90d", "365d")


def features() -> list[dict[str, Any]]:
    """24 features: counts, sums, means, maxima, distinct values over four windows, recency."""
    found: list[dict[str, Any]] = []
    for window in _WINDOWS:
        found += [
            {"id": f"baskets_{window}", "event": "basket", "aggregate": "count", "window": window},
            {"id": f"spend_{window}", "event": "basket", "aggregate": "sum", "field": "total", "window": window},
            {"id": f"views_{window}", "event": "page_view", "aggregate": "count", "window": window},
            {"id": f"clicks_{window}", "event": "search", "aggregate": "count", "window": window},
        ]
    return [
        *found,
        {"id": "spend_mean", "event": "basket", "aggregate": "mean", "field": "total", "window": "365d"},
        {"id": "spend_max", "event": "basket", "aggregate": "max", "field": "total", "window": "90d"},
        {"id": "spend_min", "event": "basket", "aggregate": "min", "field": "total", "window": "90d"},
        {"id": "departments", "event": "basket", "aggregate": "distinct", "field": "departments", "window": "90d"},
        {"id": "last_total", "event": "basket", "aggregate": "last", "field": "total"},
        {"id": "days_since_basket", "event": "basket", "aggregate": "days_since_last"},
        {"id": "spend_decayed", "event": "basket", "aggregate": "decayed_sum", "field": "total", "half_life": "7d"},
        {"id": "errors_1h", "event": "error", "aggregate": "count", "window": "1h"},
    ]


def catalog(actions: int = 50, survivors: int = SURVIVORS) -> dict[str, Any]:
    """A catalog whose first ``survivors`` actions anybody may get, and whose others one rule in 15 shuts out."""
    return {
        "catalog": 1, "name": "bench", "currency": "USD", "timezone": "America/New_York",
        "channels": [{"id": "web", "direction": "inbound", "hold_ttl": "30m"}],
        "placements": [{"id": "hero", "channel": "web"}, {"id": "strip", "channel": "web", "count_max": 3}],
        "attributes": [{"id": "employee", "type": "bool"}],
        "features": features(),
        "segments": [{"id": "loyal", "when": "profile.baskets_28d >= 4"}],
        "hierarchy": [{"issue": "grow", "lever": 0, "groups": [{"id": "offers", "lever": 10}]}],
        "budgets": [{"id": "pool", "unit": "coupon", "cap": 1_000_000_000}],
        "actions": [_action(index, survivors) for index in range(actions)],
        "contact_policies": [
            {"id": "often", "scope": {"channel": "web"}, "limit": 1000, "window": "24h"},
            {"id": "each", "scope": {"group": "offers"}, "limit": 900, "window": "7d", "per": "action"},
        ],
        "arbitration": {
            "factors": {"propensity": 1.0, "context": 1.0, "value": 1.0, "lever": 1.0},
            "exploration": {"method": "inverse_gap", "gamma": 200, "share": 0.1},
            "evidence": {"prior": 0.05, "strength": 20},
        },
    }


def _action(index: int, survivors: int) -> dict[str, Any]:
    shut = {"eligibility": f"profile.baskets_28d > {100_000 + index % 15}"} if index >= survivors else {}
    return {
        "id": f"offer_{index:04d}", "group": "offers", "value": 1.0 + index % 7, **shut,
        "applicability": "!has(profile.employee) || profile.employee == false",
        "budget": {"id": "pool", "units": 1},
        "treatments": [
            {"id": f"hero_{index:04d}", "placement": "hero", "content": {"title": f"Offer {index}"}},
            {"id": f"strip_{index:04d}", "placement": "strip", "content": {"title": f"Offer {index}"}},
        ],
    }


def decision(number: int, customers: int = CUSTOMERS) -> dict[str, Any]:
    """The ``number``-th decision request: one customer, one placement, the event that caused it."""
    return {
        "request_id": f"r-{number}", "customer_id": f"c-{number % customers}", "channel": "web",
        "placements": [{"id": "hero"}], "context": {"device": "mobile", "page": "/"},
        "event": {"event_id": f"e-{number}", "type": "page_view", "properties": {"page": "/", "total": 12.5}},
    }


def decision_bytes(number: int, run: str) -> bytes:
    """The same as JSON with ids that no earlier round used."""
    body = decision(number)
    body["request_id"], body["event"]["event_id"] = f"{run}-{number}", f"{run}-e-{number}"
    return json.dumps(body).encode()
