"""A released shard does nothing for anybody, and goes on when nobody took its place."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from unit.moves.rig import Moves, advance, spin, standing
from unit.shard.rig import decision, event, hold_commits, key, read, run, send, until

from actors.profile_shard import ProfileShard
from models import limits
from models.canonical import unpack
from models.errors import NotServing
from models.turn.commands import TIMELINE


async def _in_a_turn(shard: ProfileShard, *who: str) -> tuple[list[asyncio.Task[Any]], threading.Event]:
    """The first of these customers is in a turn that is being appended, the others wait for the next."""
    reached, go_on = hold_commits(shard)
    asking = [asyncio.create_task(send(shard, event(who[0], "e1")))]
    while not reached.is_set():  # noqa: ASYNC110
        await asyncio.sleep(0)
    asking += [asyncio.create_task(send(shard, event(name, "e1"))) for name in who[1:]]
    await spin()
    return asking, go_on


def test_the_turn_in_hand_is_finished_and_answered_and_what_waits_is_refused_without_an_effect(moves: Moves) -> None:
    async def scenario() -> None:
        async with moves.incarnation(1) as shard:
            (first, second), go_on = await _in_a_turn(shard, "anna", "ben")
            releasing = asyncio.create_task(shard.release())
            with pytest.raises(NotServing):
                await second
            await spin()
            assert not releasing.done()
            go_on.set()
            assert [status for status, _ in await first] == [200]
            stand = unpack(await releasing)
            assert stand == {"seq": shard._parts.store.journal.last_seq, "epoch": 1}
            await spin()
            assert shard._parts.store.journal.newest_seq() == stand["seq"]
            await shard.resume()
            assert (await send(shard, read("ben")))[0][0] == 404

    run(scenario())


def test_a_released_shard_refuses_every_call_and_says_so(moves: Moves) -> None:
    async def scenario() -> None:
        async with moves.incarnation(1, link_host="127.0.0.1") as shard:
            await send(shard, event("anna", "e1"))
            assert await shard.address() != b""
            await shard.release()
            for ask in (
                send(shard, event("anna", "e2")), send(shard, read("anna")), send(shard, read("anna", TIMELINE)),
                shard.journal(), shard.base(), shard.poke(), advance(moves, shard),
            ):
                with pytest.raises(NotServing):
                    await ask
            assert await shard.address() == b""
            assert (await standing(shard))["state"] == "released"

    run(scenario())


def test_a_released_shard_fires_no_timer_and_adopts_nothing(moves: Moves) -> None:
    async def scenario() -> None:
        async with moves.incarnation(1) as shard:
            await send(shard, decision("anna", "r1", placements=[{"id": "hero", "count": 1}]))
            due_ms = shard._parts.due.next_ms()
            assert due_ms
            asked = asyncio.Event()
            answer = moves.coordinator.instructions

            async def slow(report: bytes) -> bytes:
                asked.set()
                await gate.wait()
                moves.coordinator.clock_ms = due_ms + 1
                return await moves.coordinator(report)

            gate = asyncio.Event()
            shard._sync._call = slow
            await shard.poke()
            await asked.wait()
            seq = unpack(await shard.release())["seq"]
            gate.set()
            await spin(300)
            assert shard._parts.store.journal.newest_seq() == seq
            await shard.resume()
            await until(shard.status, lambda status: status["now_ms"] > due_ms and status["seq"] > seq + 1)
            assert answer is not None

    run(scenario())


def test_who_waits_for_a_version_is_refused_at_once_and_asks_the_next_shard(moves: Moves) -> None:
    async def scenario() -> None:
        async with moves.incarnation(1) as shard:
            await send(shard, event("anna", "e1"))
            waiting = asyncio.create_task(send(shard, decision("anna", "r1", min_state_version=9)))
            await until(shard.status, lambda status: status["parked"] == 1)
            await shard.release()
            with pytest.raises(NotServing):
                await waiting

    run(scenario())


def test_a_shard_resumes_by_itself_when_nobody_took_its_place(moves: Moves, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RELEASE_MS_MAX", 30)

    async def scenario() -> None:
        async with moves.incarnation(1) as shard:
            await shard.release()
            await until(shard.status, lambda status: status["state"] == "serving")
            assert (await send(shard, event("anna", "e1")))[0][0] == 200
            assert unpack(await shard.resume())["epoch"] == 1

    run(scenario())


def test_a_resumption_that_comes_before_the_turn_is_done_leaves_a_shard_that_serves(moves: Moves) -> None:
    async def scenario() -> None:
        async with moves.incarnation(1) as shard:
            (first,), go_on = await _in_a_turn(shard, "anna")
            releasing = asyncio.create_task(shard.release())
            await spin()
            resuming = asyncio.create_task(shard.resume())
            await spin()
            go_on.set()
            await asyncio.gather(releasing, resuming, first)
            assert (await send(shard, event("ben", "e1")))[0][0] == 200

    run(scenario())


def test_a_release_during_a_resumption_counts(moves: Moves) -> None:
    async def scenario() -> None:
        async with moves.incarnation(1) as shard:
            await shard.release()
            both = asyncio.gather(shard.resume(), shard.release())
            await asyncio.wait_for(both, 5)
            with pytest.raises(NotServing):
                await send(shard, event("anna", "e1"))
            await asyncio.gather(shard.release(), shard.release())
            await shard.resume()
            assert (await send(shard, event("anna", "e1")))[0][0] == 200

    run(scenario())


def test_releasing_again_and_again_while_it_resumes_never_leaves_a_turn_loop_that_runs(moves: Moves) -> None:
    async def scenario() -> None:
        async with moves.incarnation(1) as shard:
            loop = shard._loop
            for _ in range(20):
                await loop.release()
                loop.resume()
                await loop.release()
                await spin()
                assert loop._stands
                loop.resume()
            await spin()
            assert (await send(shard, event("anna", "e1")))[0][0] == 200

    run(scenario())


def test_a_zombie_that_resumes_leaves_for_good(moves: Moves, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another took over meanwhile: it answers nobody."""
    monkeypatch.setattr(limits, "RELEASE_MS_MAX", 30)

    async def scenario() -> None:
        async with moves.incarnation(1) as old, moves.incarnation(2, standby=True) as new:
            await send(old, event("anna", "e1"))
            await old.release()
            await new.serve()
            while not moves.retired:
                assert (await standing(old))["state"] == "released"
                await asyncio.sleep(0)
            for ask in (send(old, read("anna")), old.journal()):
                with pytest.raises(NotServing):
                    await ask
            assert moves.left == []
            assert (await send(new, read("anna")))[0][0] == 200

    run(scenario())


def test_a_zombie_that_was_never_released_leaves_at_its_next_turn_or_read(moves: Moves) -> None:
    async def scenario() -> None:
        for ask in ("turn", "journal"):
            async with moves.incarnation(1 if ask == "turn" else 3) as old:
                await send(old, event("anna", f"{ask}"))
                async with moves.incarnation(2 if ask == "turn" else 4, standby=True) as new:
                    await new.serve()
                    asking = asyncio.create_task(
                        send(old, read("anna")) if ask == "turn" else old.journal()  # type: ignore[arg-type]
                    )
                    while not moves.left and not moves.retired:  # noqa: ASYNC110
                        await asyncio.sleep(0)
                    if ask == "turn":
                        await spin()
                        assert not asking.done()
                        asking.cancel()
                    else:
                        with pytest.raises(NotServing):
                            await asking
                    assert key("anna")

    run(scenario())


def test_what_does_not_serve_is_released_and_drained_in_no_time(moves: Moves) -> None:
    async def scenario() -> None:
        async with moves.incarnation(1) as old, moves.incarnation(2, standby=True) as standby:
            await send(old, event("anna", "e1"))
            await until(standby.status, lambda status: status["seq"] == old._parts.core.state.seq)
            assert unpack(await standby.release()) == {"seq": old._parts.core.state.seq, "epoch": 0}
            assert unpack(await standby.resume())["epoch"] == 0
            await old.release()
            assert unpack(await old.drain())["seq"] == unpack(await standby.drain())["seq"]

    run(scenario())
