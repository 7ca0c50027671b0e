"""The control group: a stable share of customers who get mandatory actions and fallbacks only."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from zoneinfo import ZoneInfo

from models.catalog.plan import Plan
from models.times import local_datetime


def control_group(plan: Plan, customer_id: str, now_ms: int) -> str | None:
    """The id of the holdout that a customer is in at ``now_ms``, or None.

    A hash of group, customer and, with ``rotate: month``, the month in the catalog's time zone.
    """
    rules = plan.arbitration
    if not rules.control_id or rules.control_share <= 0.0:
        return None
    month = _month(now_ms, plan.zone) if rules.control_rotate == "month" else ""
    label = f"{rules.control_id}\x1f{month}\x1f{customer_id}".encode()
    position = int.from_bytes(hashlib.blake2b(label, digest_size=8).digest(), "big") / 2**64
    return rules.control_id if position < rules.control_share else None


@lru_cache(maxsize=16)
def _month(now_ms: int, zone: ZoneInfo) -> str:
    """The same for all decisions of a turn."""
    return local_datetime(now_ms, zone).strftime("%Y-%m")
