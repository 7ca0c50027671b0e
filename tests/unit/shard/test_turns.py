"""Deadlines, waiting for a version, callers that go away, commands that break, stores that refuse."""

from __future__ import annotations

import asyncio

import pytest
from unit.shard.rig import START_MS, TENANT, Rig, decision, event, key, read, run, send

from actors.journal.sqlite import SqliteJournal
from actors.shard.clock import wall_ms
from models.canonical import unpack
from models.turn.commands import Command


def test_a_request_past_its_deadline_leaves_no_fact(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            late, fine = await send(shard, decision("anna", "r1", deadline_ms=1), decision("ben", "r1"))
            assert (late[0], fine[0]) == (504, 200)
            assert (await send(shard, read("anna")))[0][0] == 404
            assert unpack(await shard.status())["expired"] == 1

    run(scenario())


def test_a_deadline_that_passes_before_the_append_leaves_no_fact_and_harms_no_other(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            real = [wall_ms()]
            shard._parts.clock.real_ms = lambda: real[0]
            settled = shard._runner._score

            async def slow(*arguments: object) -> object:
                real[0] += 500
                return await settled(*arguments)  # type: ignore[arg-type]

            shard._runner._score = slow  # type: ignore[assignment,method-assign]
            deadline_ms = real[0] + 400
            hurried, patient, plain = await send(
                shard, decision("anna", "r1", deadline_ms), decision("ben", "r1", real[0] + 10_000),
                event("anna", "e1"),
            )
            assert (hurried[0], patient[0], plain[1]["status"]) == (504, 200, "applied")
            assert plain[1]["state_version"] == 1
            rows = unpack(await shard.journal(0, 100))["rows"]
            assert sum(len(row["g"]) > 0 for row in rows) == 1

    run(scenario())


def test_an_event_whose_deadline_passes_while_others_are_scored_is_left_out(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            real = [wall_ms()]
            shard._parts.clock.real_ms = lambda: real[0]

            async def slow() -> None:
                real[0] += 500

            rig.scorer.ping = slow  # type: ignore[method-assign]
            hurried = event("ben", "e1")
            hurried = Command(hurried.kind, hurried.customer, "ben", hurried.body, "e1", real[0] + 400, TENANT)
            replies = await send(shard, decision("anna", "r1"), hurried)
            assert [status for status, _ in replies] == [200, 504]
            assert (await send(shard, read("ben")))[0][0] == 404

    run(scenario())


def test_a_decision_waits_for_the_version_that_it_was_promised(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            waiting = asyncio.create_task(
                send(shard, decision("anna", "r1", wall_ms() + 30_000, min_state_version=2))
            )
            await send(shard, event("anna", "e1"))
            assert not waiting.done()
            await send(shard, event("anna", "e2"))
            ((status, body),) = await waiting
            assert status == 200
            assert body["state_version"] == 3

    run(scenario())


def test_a_version_that_never_comes_is_a_412_at_the_deadline(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            ((status, body),) = await send(shard, decision("anna", "r1", wall_ms() + 30, min_state_version=9))
            assert status == 412
            assert "it is 0" in body["detail"]
            assert unpack(await shard.status())["parked"] == 0

    run(scenario())


def test_a_caller_that_goes_away_does_not_undo_a_turn_that_has_begun(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            asked, go_on = asyncio.Event(), asyncio.Event()

            async def held() -> None:
                asked.set()
                await go_on.wait()

            rig.scorer.ping = held  # type: ignore[method-assign]
            caller = asyncio.create_task(send(shard, event("anna", "e1"), decision("anna", "r1")))
            await asked.wait()
            caller.cancel()
            await asyncio.gather(caller, return_exceptions=True)
            go_on.set()
            ((_, again),) = await send(shard, event("anna", "e1"))
            assert again["status"] == "duplicate"

    run(scenario())


def test_a_command_that_breaks_fails_alone(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            broken = Command("event", key("ben"), "ben", {"event_id": "e1"}, "e1", tenant=TENANT)
            replies = await send(shard, event("anna", "e1"), broken, event("cleo", "e1"))
            assert [status for status, _ in replies] == [200, 500, 200]
            assert (await send(shard, read("ben")))[0][0] == 404
            assert rig.left == []

    run(scenario())


def test_a_full_queue_answers_503_at_once(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            shard._loop._queue.extend([None] * 4_096)  # type: ignore[list-item]
            future = shard._loop.submit([event("anna", "e1")])
            shard._loop._queue.clear()
            assert [reply.status for reply in await future] == [503]

    run(scenario())


def test_a_full_disk_acknowledges_nothing_and_goes_on_when_there_is_space(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "e0"))
            file = shard._parts.store.journal._file  # type: ignore[attr-defined]
            ((pages,),) = file.query("PRAGMA page_count")
            file.query(f"PRAGMA max_page_count = {pages}")
            refused = []
            for number in range(1, 400):
                commands = [event(f"{number}-{n}", "e", total=n) for n in range(20)]
                refused = await send(shard, *commands)
                if refused[0][0] == 503:
                    break
            assert {status for status, _ in refused} == {503}
            assert (await send(shard, read(f"{number}-3")))[0][0] == 404
            file.query("PRAGMA max_page_count = 1000000")
            replies = await send(shard, *commands)
            assert {body["state_version"] for _, body in replies} == {1}
            assert rig.left == []

    run(scenario())


@pytest.mark.parametrize("command", [event("anna", "e1"), read("anna"), read("anna", "timeline", limit=5)])
def test_a_fenced_shard_answers_nobody_and_leaves(rig: Rig, command: Command) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "e0"))
            SqliteJournal(shard._parts.store.journal._file).take_over("rival", 1)  # type: ignore[attr-defined]
            asking = asyncio.create_task(send(shard, command))
            while not rig.left and not asking.done():  # noqa: ASYNC110
                await asyncio.sleep(0)
            assert rig.left, "a fenced shard answered"
            assert "Fenced" in rig.left[0]
            assert not asking.done() or asking.exception() is not None
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    run(scenario())


def test_the_clock_of_a_turn_never_goes_back(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "e1"))
            assert {row["t"] for row in unpack(await shard.journal(0, 100))["rows"]} == {START_MS}

    run(scenario())
