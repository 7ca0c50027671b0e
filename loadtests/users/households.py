"""Simulated customers out of real households: what is known of each, what it bought lately, what it buys next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from cluster.demo.journey import Household, data_folder, read_journey
from models import limits
from models.times import format_time

#: Baskets of a household's history that are told to the server before the run, and kept to be bought again during it.
BASKETS: Final = 20

Customer = dict[str, Any]


def read_customers(count: int, run: str, worker: int) -> list[Customer]:
    """``{"id", "attributes", "baskets": [[age_ms, properties], ...]}`` each, oldest basket first; ids no other run has.

    More customers than households: households repeat under other ids. ``age_ms`` is the age at the household's last
    basket. Raises ``KairosError`` when the data package is missing.
    """
    homes = list(read_journey(data_folder(), count * (worker + 1)).households.values())
    chosen = [homes[(worker * count + place) % len(homes)] for place in range(count)]
    return [_customer(home, f"lt-{run}-w{worker}-{place}-{home.customer_id}") for place, home in enumerate(chosen)]


def _customer(home: Household, id_: str) -> Customer:
    baskets = home.baskets[-BASKETS:]
    newest_ms = baskets[-1].time_ms if baskets else 0
    return {
        "id": id_, "attributes": dict(home.attributes),
        "baskets": [[newest_ms - basket.time_ms, basket.properties] for basket in baskets],
    }


def attributes_for(customer: Customer, catalog: Mapping[str, Any]) -> dict[str, Any]:
    """Those that the catalog declares, in its types."""
    kinds: dict[str, tuple[type, ...]] = {"string": (str,), "bool": (bool,), "number": (int, float)}
    declared = {one["id"]: kinds[one["type"]] for one in catalog.get("attributes") or ()}
    return {
        name: value for name, value in customer["attributes"].items()
        if name in declared and isinstance(value, declared[name])
    }


def history_pages(customers: Sequence[Customer], now_ms: int) -> Iterator[list[dict[str, Any]]]:
    """Their baskets as pages for ``POST /v1/history``, moved in time so that everybody's last one was an hour ago."""
    page: list[dict[str, Any]] = []
    for customer in customers:
        for age_ms, properties in customer["baskets"]:
            time = format_time(now_ms - limits.HOUR_MS - age_ms)
            page.append({"customer_id": customer["id"], "type": "basket", "time": time, "properties": properties})
            if len(page) == limits.EVENTS_PER_BATCH_MAX:
                yield page
                page = []
    if page:
        yield page
