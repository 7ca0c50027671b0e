"""What a shard holds in memory follows its settings, not how many customers it has."""

from __future__ import annotations

from unit.shard.rig import Rig, decision, event, run, send

from actors.profile_shard import ProfileShard

BATCH = 40
BYTES_MAX = 60_000
CHECKPOINT_TURNS = 5


def _held(shard: ProfileShard) -> dict[str, int]:
    """Everything that grows with commands or customers, between two turns."""
    parts = shard._parts
    return {
        "bytes": parts.residency.bytes, "customers": len(parts.residency), "hot": parts.residency.hot,
        "keys": len(parts.core.state.recent) + len(parts.core.state.apart), "rows": parts.recent_rows.count,
        "timers": len(parts.due._heap),
    }


async def _feed(shard: ProfileShard, first: int, last: int) -> dict[str, int]:
    """New customers with an event and a decision each; the most that was held at once."""
    most: dict[str, int] = {}
    for start in range(first, last, BATCH):
        numbers = range(start, start + BATCH)
        await send(shard, *(event(f"c{n}", "e", total=n) for n in numbers), *(decision(f"c{n}", "r") for n in numbers))
        await shard._loop.at_boundary(shard._loop._checkpointer.step)
        held = _held(shard)
        assert held["bytes"] <= BYTES_MAX
        most = {name: max(most.get(name, 0), value) for name, value in held.items()}
    return most


def test_three_times_the_customers_take_no_more_memory(rig: Rig) -> None:
    async def scenario() -> None:
        settings = {"resident_bytes": BYTES_MAX, "hot_profiles": 8, "checkpoint_turns": CHECKPOINT_TURNS}
        async with rig.shard(**settings) as shard:
            few = await _feed(shard, 0, 8 * BATCH)
            many = await _feed(shard, 8 * BATCH, 24 * BATCH)
            assert few["customers"] < 5 * BATCH
            assert few["hot"] <= settings["hot_profiles"]
            # Timers of customers that left memory are dropped in bulk, with 1,024 of slack.
            slack = {"timers": 1_100}
            grown = {name: (few[name], most) for name, most in many.items()
                     if most > 1.5 * few[name] + slack.get(name, BATCH)}
            assert grown == {}

    run(scenario())
