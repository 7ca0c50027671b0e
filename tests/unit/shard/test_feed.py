"""What a shard feeds is its journal: the same from memory and from disk, after an erasure too, and bounded."""

from __future__ import annotations

import asyncio
import weakref
from typing import Any

from unit.shard.rig import START_MS, Rig, decision, event, key, read, run, send

from actors.profile_shard import ProfileShard
from actors.shard.feed import Feed
from models.canonical import pack, unpack
from models.coordination.messages import Instructions
from models.turn.results import Segment, TurnResult
from models.turn.shard_facts import CatalogAdopted
from models.units import DAY_MS


async def fed(shard: ProfileShard, after: int = 0, limit: int = 1_000, wait_ms: int = 0) -> dict[str, Any]:
    page: dict[str, Any] = unpack(await shard.feed(after, limit, wait_ms))
    return page


def forget_memory(shard: ProfileShard) -> None:
    shard._parts.feed._rows.clear()
    shard._parts.feed._bytes = 0


def test_memory_and_journal_feed_the_same_rows_whatever_was_erased_meanwhile(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await send(shard, decision("anna", "r1"), event("ben", "e1"))
            await send(shard, event("anna", "e1"), decision("ben", "r1"))
            await send(shard, read("anna", "erase"))
            await send(shard, event("anna", "e2"))
            remembered = await fed(shard)
            forget_memory(shard)
            stored = await fed(shard)
            assert remembered == stored
            assert stored["last"] == stored["rows"][-1][0] == len(stored["rows"])
            parts = [part for row in stored["rows"] for part in row[3] if part[0] == key("anna")]
            assert [part[2] is None for part in parts] == [True, True, True, False]
            assert [tag for part in parts if part[2] is None for tag in part[3]] == [1, 5, 2, 9]
        async with rig.shard() as shard:
            again = await fed(shard)
            assert again["rows"][: len(stored["rows"])] == stored["rows"]

    run(scenario())


def test_each_row_comes_once_however_small_the_pages_are(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            for number in range(7):
                await send(shard, event("anna", f"e{number}"))
            whole = await fed(shard)
            for limit in (1, 3):
                met: list[Any] = []
                while len(met) < len(whole["rows"]):
                    page = await fed(shard, met[-1][0] if met else 0, limit)
                    assert 0 < len(page["rows"]) <= limit
                    met += page["rows"]
                assert met == whole["rows"]
            catalogs = [wire for row in whole["rows"] for wire in row[2]]
            assert [wire[0] for wire in catalogs] == [CatalogAdopted.TAG]
            assert (await fed(shard, whole["last"]))["rows"] == []

    run(scenario())


def test_who_waits_is_told_as_soon_as_there_is_something(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            last = (await fed(shard))["last"]
            waiting = asyncio.create_task(fed(shard, last, wait_ms=1_000))
            await asyncio.sleep(0)
            assert not waiting.done()
            await send(shard, event("anna", "e1"))
            assert [row[0] for row in (await waiting)["rows"]] == [last + 1]

    run(scenario())


def test_memory_is_bounded_and_what_fell_out_of_it_comes_from_the_journal(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            feed = shard._parts.feed
            feed._bytes_kept = 2_000
            for number in range(12):
                await send(shard, event("anna", f"e{number}"))
            assert feed._bytes <= 2_000
            assert 0 < len(feed._rows) < 12
            page = await fed(shard)
            assert [row[0] for row in page["rows"]] == list(range(1, page["last"] + 1))

    run(scenario())


class Witness(dict[str, Any]):
    """A dictionary of which it can be told whether anybody still has it."""


def test_nothing_stays_in_memory_of_a_turn_but_what_is_fed() -> None:
    public = Witness(k=[1], b=[], o=[], i=[[b"key", b"fingerprint", b"hint"]])
    feed, gone = Feed(), weakref.ref(public)
    feed.append(TurnResult(START_MS, b"seed", [Segment(b"anna", 1, public, b"facts")]), 1, 100)
    del public
    assert gone() is None
    assert [row.parts for row in feed._rows] == [[(b"anna", 1, b"facts", [1])]]


def test_where_a_truncated_journal_begins_is_told_with_its_catalog(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard(retention_ms=10 * DAY_MS) as shard:
            await send(shard, event("anna", "e1"))
            rig.coordinator.clock_ms = START_MS + 11 * DAY_MS
            await shard.advance(pack(Instructions(1, clock_ms=rig.coordinator.clock_ms).to_wire()))
            await send(shard, decision("anna", "r2"))
            await shard.drain()
            forget_memory(shard)
            page = await fed(shard)
            base = page["base"]
            assert base["seq"] + 1 == page["rows"][0][0] > 1
            assert base["catalog"] == rig.coordinator.catalog.catalog  # type: ignore[union-attr]
            assert (await fed(shard, base["seq"]))["base"] is None

    run(scenario())
