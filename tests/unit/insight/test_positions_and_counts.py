"""What is counted and how far it is counted are one value, whenever somebody looks."""

from __future__ import annotations

import asyncio

from unit.insight.facts import event, row

from actors.insight.counting import Counting
from actors.insight.wire import Page
from models import limits
from models.insight.snapshot import Snapshot
from models.times import parse_time_ms

START_MS = parse_time_ms("2026-03-02T15:00:00Z")
ROWS = 5 * limits.INSIGHT_STEP_ROWS // 2


def page(first: int, last: int, newest: int) -> Page:
    return Page([row(seq, START_MS + seq, event()) for seq in range(first, last + 1)], newest, (), None)


def kept(counting: Counting) -> tuple[int, int]:
    """What a process that is killed now leaves behind: how far it was, and how many events it had counted."""
    snapshot = Snapshot.unpack(counting.snapshot.pack())
    return snapshot.positions.get(0, 0), snapshot.history.window("all")[1].events


def test_a_snapshot_in_the_midst_of_a_page_holds_just_what_is_counted_of_it() -> None:
    async def scenario() -> None:
        counting = Counting(Snapshot(1), 1)
        taking = asyncio.create_task(counting.take(0, page(1, ROWS, 9 * ROWS), 1))
        seen = [kept(counting)]
        while not taking.done():
            await asyncio.sleep(0)
            seen.append(kept(counting))
        await taking
        assert {position for position, _ in seen} >= {0, limits.INSIGHT_STEP_ROWS, ROWS}
        for position, events in seen:
            assert position == events

    asyncio.run(scenario())


def test_who_goes_on_from_it_counts_each_row_once_wherever_it_was_taken() -> None:
    async def scenario() -> None:
        counting = Counting(Snapshot(1), 1)
        await counting.take(0, page(1, 300, 400), 1)
        again = Counting(Snapshot.unpack(counting.snapshot.pack()), 1)
        begin = again.standings[0].seq
        assert begin == 300 - limits.FEED_REFILL_ROWS, "the recent decisions are read again"
        await again.take(0, page(begin + 1, 350, 400), 1)
        assert kept(again) == (350, 350)
        await again.take(0, page(351, 400, 400), 1)
        assert kept(again) == (400, 400)

    asyncio.run(scenario())
