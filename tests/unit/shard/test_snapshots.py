"""Customers as they are, read beside the turns for decisions that are tried elsewhere."""

from __future__ import annotations

from typing import Any

from unit.shard.rig import START_MS, Rig, decision, event, key, read, run, send

from actors.profile_shard import ProfileShard
from models import limits
from models.canonical import pack, unpack
from models.profile import packing
from models.turn.commands import Command
from models.turn.keys import key16


async def _snapshots(shard: ProfileShard, *commands: Command, catalogs: tuple[str, ...] = ()) -> Any:
    asked = {"commands": [command.to_wire() for command in commands], "catalogs": list(catalogs)}
    return unpack(await shard.snapshots(pack(asked)))


async def _checkpoint(shard: ProfileShard) -> None:
    await shard._loop.at_boundary(shard._loop._checkpointer.finish)


def test_it_tells_customers_as_they_are_wherever_they_lie_and_changes_nothing(rig: Rig) -> None:
    async def scenario() -> None:
        names = [f"c{number}" for number in range(3 * limits.WHAT_IF_PACKED_AT_ONCE)]
        async with rig.shard(hot_profiles=4) as shard:
            await send(shard, *[event(name, "e1") for name in names])
            await _checkpoint(shard)
        async with rig.shard(hot_profiles=4) as shard:
            await send(shard, event("c1", "e2"), event("c2", "e2"))
            before = await shard.journal()
            memory = len(shard._parts.residency)
            told = await _snapshots(shard, *[decision(name, "r") for name in [*names, "nobody"]])
            found = {customer: packing.unpack(packed) if packed else None for customer, _, packed, _ in
                     told["customers"]}
            assert [found[key(name)].state_version for name in names] == [1, 2, 2, *[1] * (len(names) - 3)]
            assert found[key("nobody")] is None
            assert [generation for _, generation, _, _ in told["customers"]] == [*[1] * len(names), 0]
            assert (await shard.journal(), len(shard._parts.residency)) == (before, memory)
            assert told["now_ms"] == START_MS

    run(scenario())


def test_it_tells_what_is_decided_by_and_the_catalog_only_where_it_is_not_known(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            told = await _snapshots(shard)
            assert rig.coordinator.catalog is not None
            version = rig.coordinator.catalog.version
            assert told["catalog_version"] == version
            assert told["catalog"]["name"] == "simulated"
            assert ["pool", "", 1_000_000] in told["free"]
            assert (await _snapshots(shard, catalogs=(version,)))["catalog"] is None
            state = shard._parts.core.state
            assert (told["evidence"], told["roles"]) == (state.evidence.to_wire(), state.roles.to_wire())

    run(scenario())


def test_events_that_were_applied_are_told_from_memory_and_from_the_store(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "old"))
            await _checkpoint(shard)
            await send(shard, event("anna", "young"))
            asked = [decision("anna", "r", event={"event_id": name, "type": "basket"})
                     for name in ("old", "young", "other")]
            told = await _snapshots(shard, *asked)
            assert {bytes(known) for _, known, *_ in told["keys"]} == {key16("event", "old"), key16("event", "young")}

    run(scenario())


def test_who_was_erased_is_told_as_erased_and_who_came_back_as_present(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "e1"), event("ben", "e1"), read("anna", "erase"), read("ben", "erase"))
            await send(shard, event("ben", "e2"))
            told = await _snapshots(shard, decision("anna", "r"), decision("ben", "r"))
            assert [(packed is None, erased) for _, _, packed, erased in told["customers"]] == [
                (True, True), (False, False),
            ]
            await _checkpoint(shard)
            told = await _snapshots(shard, decision("anna", "r"))
            assert told["customers"] == [[key("anna"), 0, None, True]]

    run(scenario())


def test_a_command_that_does_not_fit_its_caller_is_told_nothing(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "e1"))
            right = decision("anna", "r")
            foreign = Command(right.kind, right.customer, "anna", right.body, "r", 0, "other")
            told = await _snapshots(shard, foreign)
            assert (told["customers"], told["refused"]) == ([], [0])

    run(scenario())
