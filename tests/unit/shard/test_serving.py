"""A shard answers, remembers, and stands after a restart where it stood before."""

from __future__ import annotations

from unit.shard.rig import Rig, decision, event, key, read, run, send, until

from models.canonical import pack, unpack


def test_an_event_is_applied_once_and_a_repeat_says_so(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            ((status, first),) = await send(shard, event("anna", "e1"))
            assert (status, first["status"], first["state_version"]) == (200, "applied", 1)
            ((_, again),) = await send(shard, event("anna", "e1"))
            assert (again["status"], again["state_version"]) == ("duplicate", 1)

    run(scenario())


def test_a_restarted_shard_reads_the_same_and_still_knows_its_keys(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await send(shard, *(event("anna", f"e{i}", total=i) for i in range(5)), event("ben", "e1"))
            ((_, answer),) = await send(shard, decision("anna", "r1"))
            before = await send(shard, read("anna"), read("ben"))
        rig.coordinator.gone = True  # the journal alone brings everything back
        async with rig.shard() as shard:
            assert await send(shard, read("anna"), read("ben")) == before
            ((_, again),) = await send(shard, event("anna", "e1", total=1))
            assert again["status"] == "duplicate"
            assert await send(shard, decision("anna", "r1")) == [(200, answer)]
            status = unpack(await shard.status())
            assert status["epoch"] == 2

    run(scenario())


def test_a_checkpoint_changes_nothing_that_can_be_read(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard(checkpoint_turns=3) as shard:
            for number in range(20):
                await send(shard, event("anna", f"a{number}"), event(f"c{number}", "e", total=number))
            ((_, answer),) = await send(shard, decision("anna", "r1"))
            await until(shard.status, lambda status: status.get("checkpoints", 0) >= 3)
            before = await send(shard, read("anna"), *(read(f"c{number}") for number in range(20)))
        async with rig.shard(checkpoint_turns=3) as shard:
            assert shard._parts.tail.turns < 10
            assert await send(shard, read("anna"), *(read(f"c{number}") for number in range(20))) == before
            assert await send(shard, decision("anna", "r1")) == [(200, answer)]
            ((_, again),) = await send(shard, event("anna", "a0"))
            assert again["status"] == "duplicate"

    run(scenario())


def test_a_drained_shard_refuses_and_leaves_nothing_to_replay(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await send(shard, *(event(f"c{number}", "e") for number in range(50)))
            await shard.drain()
            ((status, body),) = await send(shard, event("anna", "late"))
            assert (status, body["title"]) == (503, "shard is stopping")
        async with rig.shard() as shard:
            assert len(shard._parts.residency) == 0
            ((status, profile),) = await send(shard, read("c7"))
            assert (status, profile["state_version"]) == (200, 1)

    run(scenario())


def test_more_customers_are_served_than_fit_into_memory(rig: Rig) -> None:
    async def scenario() -> None:
        bound = 60_000
        async with rig.shard(resident_bytes=bound, hot_profiles=8) as shard:
            for start in range(0, 600, 50):
                commands = [event(f"c{n}", "e1", total=n) for n in range(start, start + 50)]
                assert {body["status"] for _, body in await send(shard, *commands)} == {"applied"}
                assert shard._parts.residency.bytes <= bound + 50 * 6_000
            assert len(shard._parts.residency) < 300
            for start in range(0, 600, 50):
                replies = await send(shard, *(event(f"c{n}", "e2", total=n) for n in range(start, start + 50)))
                assert {body["state_version"] for _, body in replies} == {2}
            ((_, again),) = await send(shard, event("c0", "e1", total=0))
            assert again["status"] == "duplicate"
        async with rig.shard(resident_bytes=bound, hot_profiles=8) as shard:
            replies = await send(shard, *(read(f"c{n}") for n in range(400)))
            assert {body["state_version"] for _, body in replies} == {2}

    run(scenario())


def test_a_shard_without_a_catalog_decides_nothing(rig: Rig) -> None:
    async def scenario() -> None:
        rig.coordinator.catalog = None
        async with rig.shard() as shard:
            ((status, body),) = await send(shard, decision("anna", "r1"))
            assert status == 503
            assert "catalog" in body["detail"]

    run(scenario())


def test_a_shard_goes_on_without_its_coordinator(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            rig.coordinator.gone = True
            await shard.poke()
            await until(shard.status, lambda status: not status["coordinator"])
            ((status, _),) = await send(shard, decision("anna", "r1"))
            assert status == 200

    run(scenario())


def test_the_journal_shows_facts_to_tools_until_they_are_erased(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "e1"), event("ben", "e1"))
            await send(shard, read("anna", "erase"))
            page = unpack(await shard.journal(0, 1_000))
            segments = [(part[0], part[3]) for row in page["rows"] for part in row["g"]]
            assert {facts is None for customer, facts in segments if customer == key("anna")} == {True}
            assert {facts is None for customer, facts in segments if customer == key("ben")} == {False}
            first = unpack(await shard.journal(0, 1))
            assert first["next"] == 1
            assert page["next"] is None
            assert page["base"] is None
            assert b"anna" not in pack(page)

    run(scenario())


def test_files_that_a_later_incarnation_wrote_are_taken_over_by_whoever_may_open_them(rig: Rig) -> None:
    """Such as a backup of an installation whose shards moved: the lock says that nobody else has them."""
    async def scenario() -> None:
        async with rig.shard(incarnation=7) as shard:
            await send(shard, event("anna", "e1"))
        async with rig.shard(incarnation=1) as shard:
            assert (await send(shard, event("anna", "e1")))[0][1]["status"] == "duplicate"
        assert rig.left == []

    run(scenario())
