"""Many customers on disk, made in minutes: 200 customers live through real events, the others are their twins.

Twins differ in id, key and customer key; they are packed, sealed and flushed by the shard's own code, so what a shard
finds on disk is what a checkpoint would have left there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from actors.journal.interface import FlushBatch
from actors.shard.store import PlainProfile
from loadtests import scenario
from loadtests.engine_shard import SECRET, EngineShard, history, send
from models.ids import MAIN_TENANT, customer_key
from models.profile import packing, timers
from models.profile.state import Profile

TEMPLATES: Final = 200
_BATCH: Final = 2_000
_FEATURES: Final = 20


def catalog() -> dict[str, Any]:
    """The benchmark's catalog with 20 features."""
    made = scenario.catalog(5, 5)
    return {**made, "features": made["features"][:_FEATURES]}


async def populate(place: Path, customers: int, events: int) -> None:
    """A stopped shard's directory at ``place`` that owns ``customers`` customers of ``events`` events each."""
    shard = EngineShard(place, catalog())
    await shard.open()
    now_ms = shard.parts.now_ms()
    for number in range(min(TEMPLATES, customers)):
        await send(shard, history(f"c-{number}", events, now_ms - 1_000))
    await shard.checkpoint()
    templates = [_template(shard, number) for number in range(min(TEMPLATES, customers))]
    store, seq = shard.parts.store, shard.parts.core.state.seq

    def write(batch: list[PlainProfile]) -> None:
        store.keyring.make(((twin.customer, twin.generation) for twin in batch), now_ms)
        store.journal.flush(FlushBatch(store.seal_profiles(batch)))

    batch: list[PlainProfile] = []
    for twin in _twins(templates, customers, seq):
        batch.append(twin)
        if len(batch) == _BATCH:
            await shard.parts.writer(write, batch)
            batch = []
    await shard.parts.writer(write, batch)
    await shard.checkpoint()
    shard.close()


def _template(shard: EngineShard, number: int) -> Profile:
    taken = shard.parts.residency.take([key_of(number)])[key_of(number)]
    assert taken is not None
    return taken.copy()


def _twins(templates: list[Profile], customers: int, seq: int) -> Iterator[PlainProfile]:
    for number in range(len(templates), customers):
        twin = templates[number % len(templates)]
        twin.customer_id = f"c-{number}"
        yield PlainProfile(key_of(number), seq, twin.generation, timers.next_due(twin), packing.pack(twin))


def key_of(number: int) -> bytes:
    """The customer key of the ``number``-th customer."""
    return customer_key(SECRET, MAIN_TENANT, f"c-{number}")
