"""Who was told a version reads that version or a newer one: through memory pressure, checkpoints and restarts."""

from __future__ import annotations

import asyncio

from unit.shard.rig import Rig, decision, event, read, run, send

from actors.profile_shard import ProfileShard
from actors.shard.clock import wall_ms


async def _caller(shard: ProfileShard, name: str, told: dict[str, int], rounds: range) -> None:
    """One channel: writes, and reads back at once what it was told."""
    for number in rounds:
        ((_, applied),) = await send(shard, event(name, f"{name}-{number}", total=number))
        assert applied["state_version"] > told.get(name, 0)
        told[name] = applied["state_version"]
        ((_, profile),) = await send(shard, read(name))
        assert profile["state_version"] >= told[name]
        deadline_ms = wall_ms() + 30_000
        ((status, decided),) = await send(
            shard, decision(name, f"{name}-{number}", deadline_ms, min_state_version=told[name])
        )
        assert status == 200
        assert decided["state_version"] > told[name]
        told[name] = decided["state_version"]


def test_what_a_caller_was_told_is_what_it_reads_however_small_the_memory(rig: Rig) -> None:
    names = [f"c{number}" for number in range(24)]
    told: dict[str, int] = {}

    async def scenario() -> None:
        for life in range(2):
            async with rig.shard(resident_bytes=15_000, hot_profiles=3, checkpoint_turns=4) as shard:
                replies = await send(shard, *map(read, told))
                assert [body["state_version"] >= told[name] for name, (_, body) in zip(told, replies, strict=True)] == (
                    [True] * len(told)
                )
                rounds = range(3 * life, 3 * life + 3)
                await asyncio.gather(*(_caller(shard, name, told, rounds) for name in names))

    run(scenario())


def test_a_read_sees_what_its_own_turn_has_written(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            replies = await send(shard, event("anna", "e1"), read("anna"), event("anna", "e2"), read("anna"))
            assert [body["state_version"] for _, body in replies] == [1, 1, 2, 2]

    run(scenario())
