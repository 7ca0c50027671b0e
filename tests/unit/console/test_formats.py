"""Numbers, money and times as people read them, by the live catalog's currency and time zone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from support.console_api import FakeApi

from cluster.console.api import Api, Connections
from cluster.console.catalog_facts import CatalogFacts
from cluster.console.formats import Formats
from models import limits

DOLLARS = Formats("USD", "America/New_York")
YEN = Formats("JPY", "Asia/Tokyo")


@pytest.mark.parametrize(("said", "shown"), [
    (DOLLARS.number(1234567), "1,234,567"), (DOLLARS.number(0.12345), "0.123"), (DOLLARS.number(3.0, 1), "3.0"),
    (DOLLARS.number(None), "–"), (DOLLARS.number(-5), "-5"), (DOLLARS.percent(0.0312), "3.1%"),
    (DOLLARS.percent(1, 0), "100%"), (DOLLARS.money(1314.5), "$1,314.50"), (DOLLARS.money(-2), "-$2.00"),
    (YEN.money(1314.5), "¥1,314"), (Formats("EUR").money(0.5), "€0.50"), (Formats().money(2), "2.00"),
    (DOLLARS.money(2, "EUR"), "€2.00"),
    (DOLLARS.amount(1000, "USD"), "$1,000"), (DOLLARS.amount(3, "coupon"), "3 coupon"),
    (DOLLARS.amount(10.5, "USD"), "$10.50"), (DOLLARS.compact(12_345), "12.3K"), (DOLLARS.compact(999), "999"),
    (DOLLARS.duration(3.21), "3.2 ms"), (DOLLARS.duration(4_230), "4.2 s"), (DOLLARS.duration(180_000), "3 min"),
    (DOLLARS.duration(86_400_000 * 12), "12 d"), (DOLLARS.duration(0), "0 ms"),
])
def test_a_value_is_written_as_people_read_it(said: str, shown: str) -> None:
    assert said == shown


def test_a_time_is_told_in_the_catalogs_zone_with_the_zones_name_and_for_machines_too() -> None:
    winter = DOLLARS.time("2026-03-01T23:03:11Z")
    assert winter.startswith('<time datetime="2026-03-01T18:03:11-05:00" title="Sunday, 1 March 2026')
    assert winter.endswith(">1 Mar 2026, 18:03:11 EST</time>")
    assert DOLLARS.time("2026-07-01T12:00:00Z").endswith("08:00:00 EDT</time>")
    assert DOLLARS.time(datetime(2026, 7, 1, 12, tzinfo=UTC), date=False, seconds=False).endswith(">08:00</time>")


def test_the_live_catalogs_currency_and_zone_are_asked_now_and_then_and_kept_meanwhile() -> None:
    api, now = FakeApi(), [0.0]
    facts = CatalogFacts(lambda: now[0])

    async def formats(may_read: bool = True) -> Formats:
        return await facts.formats(Api(connections, "k"), may_read)

    async def story() -> list[Formats]:
        seen = [await formats(may_read=False), await formats()]
        german = {"currency": "EUR", "timezone": "Europe/Berlin"}
        api.answers["GET", "/v1/catalog"] = {"catalog_version": "2", "catalog": german}
        seen.append(await formats())
        now[0] += limits.CONSOLE_CATALOG_BELIEVED_MS / 1_000
        seen += [await formats(may_read=False), await formats()]
        return seen

    connections = Connections("http://api", api.transport)
    shown = asyncio.run(story())
    assert shown == [Formats(), DOLLARS, DOLLARS, DOLLARS, Formats("EUR", "Europe/Berlin")]
    assert len(api.calls("GET", "/v1/catalog")) == 2


@pytest.mark.parametrize("zone", ["Nowhere/City", "", None, "../etc/passwd"])
def test_a_zone_that_this_machine_does_not_know_is_utc(zone: Any) -> None:
    api = FakeApi()
    api.answers["GET", "/v1/catalog"] = {"catalog_version": "2", "catalog": {"currency": "EUR", "timezone": zone}}
    facts = CatalogFacts(lambda: 0.0)
    shown = asyncio.run(facts.formats(Api(Connections("http://api", api.transport), "k"), True))
    assert shown == Formats("EUR", "UTC")
