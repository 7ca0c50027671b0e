"""The actor's parts without Ray: durable before the answer, waiting for shards, leaving when the journal fails."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from unit.coordination import shop
from unit.coordination.shop import NOON_MS, EscrowShard

from actors.coordination.record import CoordinatorRecord
from actors.coordination.service import CoordinatorService
from actors.coordination.settings import CoordinatorSettings
from actors.stores.sqlite import SqliteStore
from models import limits
from models.canonical import unpack
from models.coordination.commands import PromoteScorer
from models.coordination.core import CoordinatorCore
from models.coordination.messages import Instructions
from models.errors import Fenced


class ShardsNearby:
    """Shards in this process: a poke makes one report as soon as the loop comes round."""

    def __init__(self, *shards: EscrowShard) -> None:
        self.shards = {shard.shard: shard for shard in shards}
        self.service: CoordinatorService | None = None
        self.clock_ms = 0
        self.tasks: set[asyncio.Task[None]] = set()

    def poke(self, shard: int) -> None:
        task = asyncio.get_running_loop().create_task(self.report(shard))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def report(self, shard: int) -> None:
        assert self.service is not None
        known = self.shards[shard]
        report = known.report(NOON_MS)
        wire = report.to_wire()
        wire[6] = self.clock_ms
        known.follow(await self.service.sync(type(report).from_wire(wire)))

    async def advance(self, shard: int, instructions: bytes) -> bool:
        heard = Instructions.from_wire(unpack(instructions))
        self.shards[shard].follow(heard)
        self.clock_ms = heard.clock_ms
        return True


class LeftError(Exception):
    """Stands for the end of the process."""


def leave(error: BaseException) -> None:
    raise LeftError(str(error)) from error


def started(directory: Path, *shards: EscrowShard, manual: bool = False) -> tuple[CoordinatorService, ShardsNearby]:
    core = CoordinatorCore(max(1, len(shards)), shop.compile_once, manual_clock=manual)
    record = CoordinatorRecord.open(SqliteStore(directory))
    record.recover(core)
    nearby = ShardsNearby(*shards)
    nearby.service = CoordinatorService(core, record, nearby, leave)
    return nearby.service, nearby


async def settled(nearby: ShardsNearby) -> None:
    while nearby.tasks:
        await asyncio.gather(*nearby.tasks)


def test_a_publication_answers_when_every_live_shard_has_adopted_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        service, nearby = started(tmp_path, EscrowShard(0, shop.plan()), EscrowShard(1, shop.plan()))
        for shard in (0, 1):
            await nearby.report(shard)
        answer = await service.publish_catalog(shop.plan(), None)
        assert (answer.status, answer.body["adopted"]) == (200, [0, 1])
        assert {s.catalog_version for s in nearby.shards.values()} == {shop.plan().version}

    asyncio.run(scenario())


def test_a_shard_that_does_not_adopt_in_time_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        service, nearby = started(tmp_path, EscrowShard(0, shop.plan()), EscrowShard(1, shop.plan()))
        for shard in (0, 1):
            await nearby.report(shard)
        monkeypatch.setattr(nearby, "poke", lambda shard: None)
        monkeypatch.setattr(limits, "CATALOG_ADOPTION_WAIT_MS", 1)
        answer = await service.publish_catalog(shop.plan(), None)
        assert (answer.status, answer.body["waiting_for"]) == (202, [0, 1])

    asyncio.run(scenario())


def test_a_silent_shard_has_adopted_what_its_last_report_says_and_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        service, nearby = started(tmp_path, EscrowShard(0, shop.plan()), EscrowShard(1, shop.plan()))
        for shard in (0, 1):
            await nearby.report(shard)
        await service.publish_catalog(shop.plan(), None)
        await settled(nearby)
        poke = nearby.poke
        monkeypatch.setattr(nearby, "poke", lambda shard: poke(shard) if shard == 0 else None)
        later_ms = service._real_ms() + limits.SHARD_LIVE_MS + 1
        monkeypatch.setattr(service, "_real_ms", lambda: later_ms)
        await nearby.report(0)
        answer = await service.publish_catalog(shop.plan(), None)
        assert (answer.status, answer.body["adopted"], answer.body["waiting_for"]) == (200, [0, 1], [])
        answer = await service.publish_catalog(shop.without_budget("pool"), None)
        assert (answer.status, answer.body["adopted"], answer.body["waiting_for"]) == (200, [0], [])
        await service.register_scorer("v1", {"features": ["action.value"]})
        answer = await service.change_roles(PromoteScorer("v1"))
        assert (answer.status, answer.body["adopted"], answer.body["waiting_for"]) == (200, [0], [])
        await nearby.report(1)
        await nearby.report(1)
        assert service.core.adopters() == [0, 1]
        await settled(nearby)

    asyncio.run(scenario())


def test_budgets_show_what_was_done_before_the_call(tmp_path: Path) -> None:
    async def scenario() -> None:
        shard = EscrowShard(0, shop.plan())
        service, nearby = started(tmp_path, shard)
        await service.publish_catalog(shop.plan(), None)
        await nearby.report(0)
        shard.use("pool", "", held=2)
        (pool, *_) = (await service.budgets()).body["budgets"]
        assert pool["held"] == 2
        await settled(nearby)

    asyncio.run(scenario())


def test_the_clock_answers_when_the_shards_stand_there_with_their_grants(tmp_path: Path) -> None:
    async def scenario() -> None:
        shard = EscrowShard(0, shop.plan())
        service, nearby = started(tmp_path, shard, manual=True)
        await service.publish_catalog(shop.plan(), None)
        await nearby.report(0)
        assert (await service.set_clock(NOON_MS)).status == 200
        assert nearby.clock_ms == NOON_MS
        assert shard.escrow.free("daily", "day:2026-03-02T05:00:00Z") > 0
        await settled(nearby)

    asyncio.run(scenario())


def test_a_successor_stands_where_the_predecessor_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "COORDINATOR_CHECKPOINT_ROWS", 3)

    async def first_life() -> bytes:
        service, nearby = started(tmp_path, EscrowShard(0, shop.plan()))
        await service.publish_catalog(shop.plan(), None)
        await nearby.report(0)
        for cap in range(50, 55):
            assert (await service.set_cap("pool", cap)).body["cap"] == cap
        await settled(nearby)
        await service._record.close()
        return service.core.pack_state()

    async def second_life() -> tuple[bytes, int]:
        service, _ = started(tmp_path)
        assert service._record.journal.checkpoint() is not None
        return service.core.pack_state(), service.core.epoch

    before = asyncio.run(first_life())
    after, epoch = asyncio.run(second_life())
    assert after == before
    assert epoch == 2


def test_a_fenced_coordinator_answers_nobody_and_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        service, _ = started(tmp_path)

        def fenced(*_: Any) -> None:
            raise Fenced("epoch 2 owns the journal")

        monkeypatch.setattr(service._record.journal, "append", fenced)
        with pytest.raises(LeftError, match="epoch 2"):
            await service.publish_catalog(shop.plan(), None)
        monkeypatch.setattr(service._record.journal, "confirm", fenced)
        with pytest.raises(LeftError, match="epoch 2"):
            await service.catalog()

    asyncio.run(scenario())


def test_a_catalog_that_is_known_is_not_told_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        service, _ = started(tmp_path)
        version = shop.plan().version
        await service.publish_catalog(shop.plan(), None)
        assert (await service.catalog(["sha256:0"])).body["catalog"]
        assert (await service.catalog(["sha256:0", version])).body == {"catalog_version": version}

    asyncio.run(scenario())


def test_settings_read_the_clock_in_each_of_its_forms() -> None:
    plain = {"data_dir": "/d", "shards": 2}
    assert not CoordinatorSettings.from_plain(plain).manual_clock
    begun = CoordinatorSettings.from_plain({**plain, "clock": "manual:2026-03-02T17:00:00Z", "log_level": "info"})
    assert (begun.manual_clock, begun.clock_ms) == (True, NOON_MS)
    assert CoordinatorSettings.from_plain({**plain, "clock": "manual", "clock_ms": 7}).clock_ms == 7
