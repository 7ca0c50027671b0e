"""Customers with a past: the same events for every system, sent through its own ``POST /v1/events``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import httpx

from loadtests.bench.generator.sources import CUSTOMERS
from models import limits

#: Per customer; all within the week that an event may be late.
EVENTS = 12
_DAYS = 6
_KINDS = ("basket", "page_view", "search", "page_view")


def history(customer: int, now: datetime) -> list[dict[str, Any]]:
    """A few baskets, views and searches of the last days, oldest first."""
    step = timedelta(days=_DAYS) / EVENTS
    return [
        {
            "event_id": f"seed-{customer}-{n}", "customer_id": f"c-{customer}", "type": _KINDS[n % 4],
            "time": (now - step * (EVENTS - n)).isoformat(),
            "properties": {"total": float((customer + n) % 90) + 0.5, "departments": [f"D{n % 12}", f"D{n % 7}"]},
        }
        for n in range(EVENTS)
    ]


def seed(port: int, key: str, customers: int = CUSTOMERS) -> None:
    """Send everybody's past."""
    now = datetime.now(UTC)
    events = (event for customer in range(customers) for event in history(customer, now))
    whole = limits.EVENTS_PER_BATCH_MAX // EVENTS * EVENTS
    headers = {"authorization": f"Bearer {key}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as api:
        while batch := list(islice(events, whole)):
            api.post("/v1/events", json={"events": batch}).raise_for_status()
