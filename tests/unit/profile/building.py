"""What the profile tests share: single features, the example catalog with every aggregate added, facts in brief."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from models import limits
from models.catalog.check import check_text
from models.catalog.plan import Feature, Plan
from models.profile.apply import apply
from models.profile.facts import Born, Decided, EventApplied, ItemChosen, OutcomeApplied
from models.profile.state import Contact, Profile

T0 = 1_700_000_000_000
DAY = limits.DAY_MS
EXAMPLE = Path(__file__).resolve().parents[3] / "cluster" / "example_catalog.yaml"

FEATURES = """
  - {id: basket_min_90d, event: basket, aggregate: min, field: total, window: 90d}
  - {id: spend_7d, event: basket, aggregate: sum, field: total, window: 7d}
  - {id: spend_fading, event: basket, aggregate: decayed_sum, field: total, half_life: 7d}
  - {id: baskets_7d, event: basket, aggregate: count, window: 7d}
  - {id: spend_ratio, aggregate: ratio, of: [spend_7d, spend_28d]}
  - {id: pages_1h, event: page_view, aggregate: distinct, field: page, window: 1h}
  - {id: views_1h, event: page_view, aggregate: count, window: 1h}
  - {id: silences_30d, outcome: none, aggregate: count, window: 30d}
  - {id: since_click, outcome: click, group: coupons, aggregate: days_since_last}
  - {id: page_last, event: page_view, aggregate: last, field: depth}

segments:
  - {id: spender, when: "profile.spend_28d > 50.0"}
  - {id: busy, when: "profile.views_1h >= 2 && segments.spender"}
  - {id: evening, when: "now.getMinutes() % 2 == 0"}
  - {id: fading, when: "has(profile.spend_fading) && profile.spend_fading < 20.0"}
"""


@cache
def plan() -> Plan:
    """The packaged example with 10 features and 4 segments more: 20 features, every aggregate."""
    return check_text(EXAMPLE.read_text().replace("\nsegments:\n", FEATURES, 1))


def feature(aggregate: str, window_ms: int = 0, *, half_life_ms: int = 0, definition: bytes = b"12345678") -> Feature:
    return Feature(
        index=0, id="f", aggregate=aggregate, event="e", outcome="", scope={}, field=("v",), window_ms=window_ms,
        half_life_ms=half_life_ms, of=(), definition=definition,
    )


def born(now_ms: int = T0) -> Profile:
    return apply(None, Born("hh-1"), plan(), now_ms)


def event(type_: str, time_ms: int, marks: tuple[str, ...] = (), **properties: Any) -> EventApplied:
    return EventApplied(f"e-{time_ms}", type_, time_ms, "web", properties, "", marks)


def item(action: str = "dairy_coupon", **changes: Any) -> ItemChosen:
    values: dict[str, Any] = {
        "placement": "home_hero", "rank": 1, "action": action, "treatment": "dairy_hero", "group": "coupons",
        "issue": "grow", "fallback": False, "selection_probability": 1.0, "propensity": 0.1, "priority": 0.2,
        "hold_expires_ms": T0 + 1_800_000, "accept_outcome": "accept", "accept_within_ms": 14 * DAY,
        "budgets": (("coupon_pool", 1, "", "accept"),),
    }
    return ItemChosen(**(values | changes))


def fallback() -> ItemChosen:
    return item("brand_story", fallback=True, hold_expires_ms=0, propensity=None, priority=None, budgets=())


def decided(decision_id: str, *items: ItemChosen) -> Decided:
    return Decided(
        decision_id, "r-" + decision_id, b"\0" * 16, {"channel": "web"}, b"\1" * 16, "sha256:x", None, 0, 0, False, b"",
        b"", b"", {}, items, b"",
    )


def outcome(decision_id: str, type_: str, at_ms: int, action: str = "dairy_coupon", **changes: Any) -> OutcomeApplied:
    values: dict[str, Any] = {"value": None, "contact": "", "late": False, "budgets": (), "accepted": False}
    return OutcomeApplied(f"o-{at_ms}", decision_id, action, type_, at_ms, at_ms, **(values | changes))


def only(profile: Profile) -> Contact:
    (contact,) = profile.ledger
    return contact
