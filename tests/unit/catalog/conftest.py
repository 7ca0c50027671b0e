"""The packaged example, a small catalog to break, and its errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.catalog.check import check_text
from models.catalog.faults import BadCatalog
from models.catalog.plan import Plan

EXAMPLE = Path(__file__).resolve().parents[3] / "cluster" / "example_catalog.yaml"

SMALL = """\
catalog: 1
name: small
currency: USD
timezone: UTC
channels:
  - {id: web, direction: inbound}
  - {id: push, direction: outbound}
placements:
  - {id: hero, channel: web, fallback: [brand_hero]}
  - {id: message, channel: push}
attributes:
  - {id: tier, type: string}
features:
  - {id: baskets_7d, event: basket, aggregate: count, window: 7d}
segments:
  - {id: loyal, when: "profile.baskets_7d >= 4"}
hierarchy:
  - {issue: grow, groups: [{id: coupons}]}
budgets:
  - {id: pool, unit: coupon, cap: 10}
actions:
  - id: coupon
    group: coupons
    value: 2
    eligibility: "segments.loyal"
    budget: {id: pool, units: 1}
    treatments:
      - {id: coupon_hero, placement: hero, content: {}}
  - id: brand
    group: coupons
    fallback: true
    treatments:
      - {id: brand_hero, placement: hero, content: {}}
contact_policies:
  - {id: daily, limit: 1, window: 24h}
triggers:
  - {id: abandoned, if: {event: cart}, plan: {channel: push, expires: 6h}}
"""


@pytest.fixture(scope="session")
def example_text() -> str:
    return EXAMPLE.read_text()


@pytest.fixture(scope="session")
def example(example_text: str) -> Plan:
    return check_text(example_text)


@pytest.fixture
def small() -> str:
    return SMALL


@pytest.fixture
def errors_after() -> Callable[[str, str], list[dict[str, Any]]]:
    """Put one text in place of another in the small catalog -> the errors that this causes."""

    def errors(old: str, new: str) -> list[dict[str, Any]]:
        assert SMALL.count(old) == 1, old
        with pytest.raises(BadCatalog) as caught:
            check_text(SMALL.replace(old, new))
        return caught.value.errors

    return errors
