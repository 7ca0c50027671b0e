"""An answer is a promise: it leaves when its turn is on disk, and a failed append leaves nothing to build on."""

from __future__ import annotations

import asyncio

import pytest
from unit.shard.rig import START_MS, Rig, decision, event, hold_commits, read, run, send

from actors.shard.store import Appended
from models.budgets.periods import period_key
from models.canonical import pack, unpack
from models.coordination.messages import Granted, Instructions
from models.errors import DiskFull
from models.turn.results import TurnResult


async def _spin(times: int = 200) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


def test_nothing_is_answered_before_its_turn_is_on_disk(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            reached, go_on = hold_commits(shard)
            asking = [asyncio.create_task(send(shard, event("anna", "e1"), decision("ben", "r1")))]
            while not reached.is_set():  # noqa: ASYNC110
                await asyncio.sleep(0)
            asking.append(asyncio.create_task(send(shard, read("anna"))))
            await _spin()
            early = [task.done() for task in asking]
            go_on.set()
            answers = await asyncio.gather(*asking)
            assert early == [False, False]
            assert [status for answer in answers for status, _ in answer] == [200, 200, 200]

    run(scenario())


def test_nothing_is_built_on_a_turn_that_could_not_be_appended(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "e1"))

            def full(_: TurnResult) -> Appended:
                raise DiskFull("no space")

            with monkeypatch.context() as disk:
                disk.setattr(shard._parts.store, "commit", full)
                refused = await send(shard, event("anna", "e2"), event("ben", "e1"))
                assert [status for status, _ in refused] == [503, 503]
                assert (await send(shard, read("ben")))[0][0] == 404
                assert (await send(shard, read("anna")))[0][1]["state_version"] == 1
            ((_, applied),) = await send(shard, event("anna", "e3"))
            assert applied["state_version"] == 2

    run(scenario())


def test_units_are_there_when_their_grant_is_on_disk_and_not_before(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.coordinator.instructions = (  # type: ignore[method-assign]
        lambda report: Instructions(1, catalog=None if report.catalog_version else rig.coordinator.catalog,
                                    clock_ms=START_MS)
    )

    async def scenario() -> None:
        async with rig.shard() as shard:
            state = shard._parts.core.state
            assert state.plan is not None
            period = period_key(state.plan.budgets["pool"].period, START_MS, state.plan.zone)
            grant = pack(Instructions(1, grants=(Granted("pool", period, 9),)).to_wire())

            def full(_: TurnResult) -> Appended:
                raise DiskFull("no space")

            with monkeypatch.context() as disk:
                disk.setattr(shard._parts.store, "commit", full)
                await shard.advance(grant)
                assert state.escrow.free("pool", period) == 0
            await shard.advance(grant)
            assert state.escrow.free("pool", period) == 9
            granted = [fact for row in unpack(await shard.journal(0, 100))["rows"] for fact in row["f"]]
            assert any(9 in fact for fact in granted)

    run(scenario())


def test_every_commit_waits_for_the_disk(rig: Rig) -> None:
    """Else a cut of the power takes what was acknowledged; a kill of the process would not show it."""
    async def scenario() -> None:
        async with rig.shard() as shard:
            for file in (shard._parts.store.journal._file, shard._parts.store.keyring.table._file):  # type: ignore[attr-defined]
                full = 2
                assert file.query("PRAGMA synchronous") == [(full,)]

    run(scenario())
