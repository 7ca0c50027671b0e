"""A small catalog with every kind of thing that a scorer can read."""

from __future__ import annotations

from typing import Any


def catalog() -> dict[str, Any]:
    return {
        "catalog": 1, "name": "t", "currency": "USD", "timezone": "America/New_York",
        "channels": [{"id": "web", "direction": "inbound"}, {"id": "app", "direction": "inbound"}],
        "placements": [{"id": "hero", "channel": "web"}, {"id": "card", "channel": "app"}],
        "attributes": [
            {"id": "age", "type": "number"}, {"id": "staff", "type": "bool"}, {"id": "town", "type": "string"},
        ],
        "features": [{"id": "visits_7d", "event": "visit", "aggregate": "count", "window": "7d"}],
        "hierarchy": [
            {"issue": "grow", "lever": 10, "groups": [{"id": "coupons", "lever": 5}]},
            {"issue": "serve", "lever": 0, "groups": [{"id": "help", "lever": 0}]},
        ],
        "actions": [
            {"id": "first", "group": "coupons", "value": 2.0,
             "treatments": [{"id": "first_hero", "placement": "hero", "content": {}, "tags": ["dairy"]}]},
            {"id": "second", "group": "help", "value": 3.0,
             "treatments": [{"id": "second_card", "placement": "card", "content": {}}]},
        ],
        "arbitration": {"evidence": {"prior": 0.05, "strength": 20}},
    }
