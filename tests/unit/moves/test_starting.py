"""How an incarnation comes to its journal: it waits for what may pass, and leaves to a later one what is that one's."""

from __future__ import annotations

import asyncio

import pytest
from unit.moves.rig import Moves, spin, standing
from unit.shard.rig import event, read, run, send, until

from actors.shard.following import Follower
from models import limits
from models.canonical import unpack
from models.errors import JournalLocked, NotServing


def test_a_standby_tells_where_it_stands_and_serves_when_asked(moves: Moves) -> None:
    async def scenario() -> None:
        async with moves.incarnation(1) as old, moves.incarnation(2, standby=True) as new:
            for number in range(5):
                await send(old, event("anna", f"e{number}"))
            status = await until(
                new.status, lambda status: status["seq"] == old._parts.core.state.seq and not status["behind"]
            )
            assert (status["state"], status["epoch"], status["incarnation"]) == ("standby", 0, 2)
            with pytest.raises(NotServing):
                await send(new, read("anna"))
            before = await send(old, read("anna"))
            released = unpack(await old.release())
            assert unpack(await new.serve()) == {"seq": released["seq"], "epoch": 2}
            assert unpack(await new.serve())["epoch"] == 2
            assert await send(new, read("anna")) == before
            assert (await send(new, event("anna", "e3")))[0][1]["status"] == "duplicate"
            assert (await standing(new))["state"] == "serving"

    run(scenario())


def test_a_standby_does_not_report_and_fires_nothing(moves: Moves) -> None:
    async def scenario() -> None:
        async with moves.incarnation(1) as old:
            await old.release()
            await spin()
            reports = len(moves.coordinator.reports)
            async with moves.incarnation(2, standby=True) as new:
                await spin(300)
                assert len(moves.coordinator.reports) == reports
                await new.serve()
                while len(moves.coordinator.reports) == reports:  # noqa: ASYNC110
                    await asyncio.sleep(0)
                assert moves.coordinator.reports[-1].epoch == 2

    run(scenario())


def test_an_owner_that_is_restarted_serves_although_it_was_made_as_a_standby(moves: Moves) -> None:
    """Ray restarts it with what it was made with; nobody would ask it again."""
    async def scenario() -> None:
        async with moves.incarnation(1), moves.incarnation(2, standby=True) as new:
            await new.serve()
        shard = moves.make(2, standby=True)
        await until(shard.status, lambda status: status["state"] == "serving")
        assert (await send(shard, event("anna", "e1")))[0][0] == 200
        await shard.stop()

    run(scenario())


def test_an_incarnation_that_was_superseded_leaves_for_good_and_fences_nobody(moves: Moves) -> None:
    async def scenario() -> None:
        async with moves.incarnation(2) as new:
            for standby in (False, True):
                old = moves.make(1, standby=standby)
                while len(moves.retired) <= standby:
                    await old.ping()
                    await asyncio.sleep(0)
                with pytest.raises(NotServing):
                    await old.serve()
                with pytest.raises(NotServing):
                    await send(old, read("anna"))
                await old.stop()
            assert (await send(new, event("anna", "e1")))[0][0] == 200
        assert moves.left == []

    run(scenario())


def test_one_that_is_overtaken_between_its_replay_and_its_takeover_leaves_for_good(
    moves: Moves, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with (
            moves.incarnation(1), moves.incarnation(2, standby=True) as second,
            moves.incarnation(3, standby=True) as third,
        ):
            await third.serve()
            with pytest.raises(NotServing):
                await second.serve()
            assert len(moves.retired) == 1
            assert (await send(third, event("anna", "e1")))[0][0] == 200

    run(scenario())


@pytest.mark.parametrize("locked", [False, True])
def test_a_store_that_is_away_is_waited_for_and_told_of_now_and_then(
    moves: Moves, locked: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(limits, "LOCK_RETRY_MS", 0)
    tries = []
    open_it = moves.shared.shard_store

    def opened(shard: int) -> object:
        tries.append(shard)
        if moves.shared.is_away and locked:
            raise JournalLocked("in use by somebody")
        return open_it(shard)

    monkeypatch.setattr(moves.shared, "shard_store", opened)
    moves.shared.is_away = True

    async def scenario() -> None:
        shard = moves.make(1)
        while len(tries) < 20:
            await shard.ping()
            await asyncio.sleep(0)
        assert (await standing(shard))["state"] == "starting"
        moves.shared.is_away = False
        await until(shard.status, lambda status: status["state"] == "serving")
        await shard.stop()

    run(scenario())
    assert moves.left == []
    assert capfd.readouterr().err.count("waiting for the journal") == 1


def test_a_start_that_was_cut_off_from_the_store_begins_anew(moves: Moves, monkeypatch: pytest.MonkeyPatch) -> None:
    from models.errors import StoreAway

    monkeypatch.setattr(limits, "LOCK_RETRY_MS", 0)
    take_over = Follower.take_over
    failures = [StoreAway("cut off"), StoreAway("cut off")]

    def cut(self: Follower) -> int:
        if failures:
            raise failures.pop()
        return take_over(self)

    monkeypatch.setattr(Follower, "take_over", cut)

    async def scenario() -> None:
        async with moves.incarnation(1) as shard:
            assert (await send(shard, event("anna", "e1")))[0][0] == 200
        assert failures == []

    run(scenario())


def test_a_restart_whose_log_does_not_fit_into_memory_takes_the_epoch_early_to_write_it_out(moves: Moves) -> None:
    async def scenario() -> None:
        async with moves.incarnation(1) as shard:
            for start in range(0, 200, 20):
                await send(shard, *(event(f"c{n}", "e") for n in range(start, start + 20)))
        bound = 60_000
        restarted = moves.restarted(1, resident_bytes=bound, hot_profiles=4)
        assert restarted.residency.bytes <= bound
        assert restarted.store.journal.epoch == 2
        assert (restarted.core.state.seq, len(restarted.core.state.recent)) == (restarted.store.journal.last_seq, 200)

    run(scenario())


def test_nothing_is_written_before_the_journal_is_owned(moves: Moves) -> None:
    async def scenario() -> None:
        async with moves.incarnation(1) as shard:
            await send(shard, *(event(f"c{n}", "e") for n in range(20)), read("c3", "erase"))
        parts, follower = moves.follower(2)
        writes: list[str] = []
        for file in (parts.store.journal._file, parts.store.keyring.table._file):  # type: ignore[attr-defined]
            writing = file.writing

            def noted(writing: object = writing, **how: bool) -> object:
                writes.append("a write")
                return writing(**how)  # type: ignore[operator]

            file.writing = noted
        follower.follow()
        assert writes == []
        follower.take_over()
        assert writes != []

    run(scenario())


def test_a_start_may_be_given_up_while_the_store_is_away(moves: Moves) -> None:
    moves.shared.is_away = True

    async def scenario() -> None:
        shard = moves.make(1)
        await shard.ping()
        await spin()
        await shard.stop()

    run(scenario())
