"""Timers fire by themselves, in memory or not, before and after a restart."""

from __future__ import annotations

from unit.shard.rig import START_MS, Rig, decision, event, read, run, send, until

from actors.profile_shard import ProfileShard
from models import limits
from models.canonical import pack, unpack
from models.coordination.messages import Instructions, Recall
from models.limits import HOUR_MS


async def _advance(rig: Rig, shard: ProfileShard, by_ms: int) -> None:
    rig.coordinator.clock_ms += by_ms
    await shard.advance(pack(Instructions(1, clock_ms=rig.coordinator.clock_ms).to_wire()))


async def _holds(shard: ProfileShard, customers: list[str]) -> int:
    return sum(len(body["holds"]) for _, body in await send(shard, *map(read, customers)))


def _released(page: bytes) -> int:
    """How many ``HoldExpired`` facts the journal has."""
    return sum(part[2]["k"].count(7) for row in unpack(page)["rows"] for part in row["g"])


def test_a_hold_that_nobody_confirms_is_released_by_time_alone(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            ((_, body),) = await send(shard, decision("anna", "r1"))
            assert body["placements"][0]["items"]
            assert await _holds(shard, ["anna"]) == 1
            await _advance(rig, shard, HOUR_MS)
            assert _released(await shard.journal(0, 1_000)) == 1
            assert unpack(await shard.status())["now_ms"] == START_MS + HOUR_MS

    run(scenario())


def test_timers_of_customers_that_left_memory_fire_too(rig: Rig) -> None:
    async def scenario() -> None:
        names = [f"c{number}" for number in range(60)]
        async with rig.shard(resident_bytes=20_000, hot_profiles=4) as shard:
            for name in names:
                await send(shard, decision(name, "r1"))
            assert len(shard._parts.residency) < 40
            held = await _holds(shard, names)
            assert held > 40
            await _advance(rig, shard, HOUR_MS)
            assert _released(await shard.journal(0, 1_000)) == held

    run(scenario())


def test_more_timers_than_fit_into_a_turn_all_fire(rig: Rig) -> None:
    async def scenario() -> None:
        names = [f"c{number}" for number in range(2 * limits.TICKS_PER_TURN_MAX + 10)]
        async with rig.shard() as shard:
            for start in range(0, len(names), 100):
                await send(shard, *(decision(name, "r1") for name in names[start:start + 100]))
            await shard._loop.at_boundary(shard._loop._checkpointer.finish)
            held = await _holds(shard, names)
        async with rig.shard() as shard:
            await _advance(rig, shard, HOUR_MS)
            assert _released(await shard.journal(0, 1_000)) == held > limits.TICKS_PER_TURN_MAX

    run(scenario())


def test_overdue_timers_fire_first_after_a_restart(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await send(shard, *(decision(f"c{number}", "r1") for number in range(30)))
            held = await _holds(shard, [f"c{number}" for number in range(30)])
        rig.coordinator.gone = True
        late = {"clock_ms": START_MS + HOUR_MS}
        async with rig.shard(**late) as shard:
            await send(shard, event("anna", "e1"))
            page = await shard.journal(0, 1_000)
            assert _released(page) == held
            last = unpack(page)["rows"][-1]
            assert [part[2]["k"] for part in last["g"]] == [[1, 2]]

    run(scenario())


def test_a_recall_gives_units_back_and_is_reported_at_once(rig: Rig) -> None:
    def returned() -> int:
        return sum(p.returned for p in rig.coordinator.reports[-1].positions if p.budget == "pool")

    async def scenario() -> None:
        async with rig.shard() as shard:
            recall = Instructions(1, recalls=(Recall("pool", "", 7),))
            await shard.advance(pack(recall.to_wire()))
            await until(shard.status, lambda _: returned() == 7)

    run(scenario())
