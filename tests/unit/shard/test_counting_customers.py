"""How many customers a shard has, in memory and beyond, and how often it was started."""

from __future__ import annotations

import asyncio
import random

from simulation.desk import HELD_OUT, ME, OTHER, Desk
from simulation.shard import SimulatedShard

from actors.shard.residency import Residency
from actors.shard.restarts import Restarts, restarts_by_ray
from models.profile.state import Profile
from models.turn.shard_state import ShardState


def living(shard: SimulatedShard) -> int:
    return sum(profile is not None for profile in shard.profiles.values())


def test_customers_are_counted_from_their_birth_to_their_erasure() -> None:
    desk = Desk()
    counts = []
    for customer in (ME, OTHER, ME, HELD_OUT):
        desk.event(customer)
        counts.append(desk.shard.core.state.customers)
    for customer in (OTHER, OTHER, "nobody"):
        desk.erase(customer)
        counts.append(desk.shard.core.state.customers)
    desk.event(OTHER)
    assert [*counts, desk.shard.core.state.customers] == [1, 2, 2, 3, 2, 2, 2, 3]
    assert living(desk.shard) == 3


def test_the_count_survives_restarts_and_a_checkpoint() -> None:
    desk = Desk()
    rng = random.Random(1)
    for number in range(60):
        customer = f"c-{rng.randrange(9)}"
        if rng.random() < 0.3:
            desk.erase(customer)
        else:
            desk.send(desk.event_command(customer), desk.event_command(f"c-{number % 9}"))
        assert desk.shard.core.state.customers == living(desk.shard)
    before = desk.shard.core.state
    assert ShardState.unpack(0, before.pack()).customers == before.customers
    desk.shard.start()
    assert desk.shard.core.state.customers == before.customers == living(desk.shard)


def test_those_in_memory_are_counted_without_the_erased() -> None:
    residency = Residency(10**9, 10)
    for seq, customer in enumerate((b"a", b"b", b"c"), 1):
        residency.settle(customer, Profile(customer.decode()), seq)
    residency.settle(b"b", None, 4)
    residency.settle(b"b", None, 5)
    assert (len(residency), residency.living) == (3, 2)
    residency.settle(b"b", Profile("b"), 6)
    residency.settle(b"a", None, 7)
    assert residency.living == 2
    residency.flushed([], [(b"a", 7)])
    assert (len(residency), residency.living) == (2, 2)


def test_restarts_are_asked_for_once_and_nobody_waits() -> None:
    asked = []

    async def run() -> None:
        restarts = Restarts(lambda: asked.append(1) or 3)
        assert restarts.told() is None
        async with asyncio.timeout(5):
            while restarts.told() is None:  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert restarts.told() == 3
        assert len(asked) == 1

    asyncio.run(run())
    assert restarts_by_ray() is None
