"""Erasing a customer: nothing of it can be read again, from memory, rows, snapshots or key files."""

from __future__ import annotations

import pytest
from unit.shard.rig import Rig, decision, event, key, read, run, send

from models.canonical import pack, unpack
from models.coordination.messages import Instructions
from models.errors import JournalFailed
from models.turn.commands import TIMELINE


def _readable(rig: Rig) -> dict[bytes, int]:
    """Segments that open, by customer, read from the files of a stopped shard."""
    store = rig.store.shard_store(0)
    found: dict[bytes, int] = {}
    for row in store.journal.rows(0):
        turn, wires = store.opened(row)
        for part, facts in zip(turn.segments, wires, strict=True):
            found[part.customer] = found.get(part.customer, 0) + (facts is not None)
    store.close()
    return found


@pytest.mark.parametrize("checkpoint_turns", [1, 1_000])
def test_an_erased_customer_is_gone_everywhere_and_may_begin_anew(rig: Rig, checkpoint_turns: int) -> None:
    async def scenario() -> None:
        async with rig.shard(checkpoint_turns=checkpoint_turns) as shard:
            await send(shard, event("anna", "e1"), event("ben", "e1"))
            await send(shard, decision("anna", "r1"), event("anna", "e2"))
            ((status, receipt),) = await send(shard, read("anna", "erase"))
            assert status == 200
            assert (await send(shard, read("anna", "erase")))[0] == (200, receipt)
            for kind in ("profile", TIMELINE):
                assert (await send(shard, read("anna", kind)))[0][0] == 404
        assert _readable(rig) == {key("anna"): 0, key("ben"): 1}
        async with rig.shard(checkpoint_turns=checkpoint_turns) as shard:
            assert (await send(shard, read("anna")))[0][0] == 404
            assert (await send(shard, read("anna", "erase")))[0] == (200, receipt)
            ((_, reborn),) = await send(shard, event("anna", "e1"))
            assert (reborn["status"], reborn["state_version"]) == ("applied", 1)
            ((_, page),) = await send(shard, read("anna", TIMELINE))
            assert [item["id"] for item in page["items"]] == ["e1"]
        async with rig.shard(checkpoint_turns=checkpoint_turns) as shard:
            ((_, profile),) = await send(shard, read("anna"))
            assert profile["state_version"] == 1
        assert _readable(rig) == {key("anna"): 1, key("ben"): 1}

    run(scenario())


def test_a_death_between_the_fact_and_the_key_is_made_good_by_recovery(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "e1"), event("ben", "e1"))
            ring = shard._parts.store.keyring
            (kept,) = ring.table.find([(key("anna"), 1)]).stored
            await send(shard, read("anna", "erase"))
            with ring.table._file.writing() as db:  # type: ignore[attr-defined]
                db.execute("DELETE FROM destroyed")  # as if the process had died just before the key was destroyed
            ring.table.add([kept])
        async with rig.shard() as shard:
            assert (await send(shard, read("anna")))[0][0] == 404
        assert _readable(rig) == {key("anna"): 0, key("ben"): 1}
        assert all(kept.wrapped not in path.read_bytes() for path in (rig.directory / "shards" / "0").iterdir())

    run(scenario())


@pytest.mark.parametrize("checkpoint_turns", [1, 1_000])
def test_whoever_was_erased_begins_the_next_generation_and_leaves_nothing_in_memory(
    rig: Rig, checkpoint_turns: int
) -> None:
    """Receipts come from the key store, whatever was written out or replayed since."""
    async def scenario() -> None:
        told: list[str] = []
        for number in range(3):
            async with rig.shard(checkpoint_turns=checkpoint_turns) as shard:
                await send(shard, event("anna", "e1"))
                entry = shard._parts.residency.get(key("anna"))
                assert entry is not None
                assert entry.generation == number + 1
                rig.coordinator.clock_ms += 1_000
                await shard.advance(pack(Instructions(1, clock_ms=rig.coordinator.clock_ms).to_wire()))
                before = shard._parts.core.pack_state()
                ((_, receipt),) = await send(shard, read("anna", "erase"))
                rig.coordinator.clock_ms += 1_000
                await shard.advance(pack(Instructions(1, clock_ms=rig.coordinator.clock_ms).to_wire()))
                assert (await send(shard, read("anna", "erase")))[0] == (200, receipt)
                assert len(shard._parts.core.pack_state()) <= len(before) + 8
                told.append(receipt["receipt"])
        assert len(set(told)) == 3

    run(scenario())


def test_an_erasure_and_a_new_beginning_fit_into_one_turn(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "e1"))
            _, (_, reborn) = await send(shard, read("anna", "erase"), event("anna", "e1", total=3))
            assert (reborn["status"], reborn["state_version"]) == ("applied", 1)
            before = await send(shard, read("anna"))
        async with rig.shard() as shard:
            assert await send(shard, read("anna")) == before
            assert unpack(await shard.status())["epoch"] == 2

    run(scenario())


def test_a_lost_key_file_is_an_error_and_never_an_erasure(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "e1"))

    run(scenario())
    for path in (rig.directory / "shards" / "0").glob("keys.db*"):
        path.unlink()
    with pytest.raises(JournalFailed, match="is missing"):
        _readable(rig)
