"""A shard's monitor of scorers: fed by turns, asked for by the gateway, kept over restarts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from unit.shard.rig import START_MS, TENANT, Rig, decision, key, run, send
from unit.shard.test_nobody_is_waited_for import TREATED
from unit.shard.test_top_features import Scorer
from unit.shard.test_top_features import trained as _trained

from actors.profile_shard import ProfileShard
from actors.shard.watching import FOLDER
from models import limits
from models.canonical import pack, unpack
from models.coordination.messages import Instructions
from models.monitoring.calibration import Calibration
from models.monitoring.report import monitor
from models.monitoring.rolling import EVIDENCE, Key
from models.monitoring.seen import Seen
from models.monitoring.stability import BINS
from models.scoring.manifest import Histogram
from models.scoring.roles import Roles
from models.scoring.training import Trained
from models.turn.commands import Command
from models.turn.labels import Label
from models.turn.results import TurnResult

trained = _trained
WHO = TREATED[:3]
HALVES = Histogram(edges=(0.5,), shares=(0.5, 0.5), missing=0.0)


def outcome(customer: str, decision_id: str, action: str, type_: str) -> Command:
    outcome_id = f"{decision_id} {type_}"
    body = {
        "outcome_id": outcome_id, "decision_id": decision_id, "customer_id": None, "action": action, "type": type_,
        "time_ms": None, "value": None,
    }
    return Command("outcome", key(customer), customer, body, outcome_id, tenant=TENANT)


@asynccontextmanager
async def watching(rig: Rig, roles: Roles | None = None) -> AsyncIterator[ProfileShard]:
    async with rig.shard() as shard:
        await shard.advance(pack(Instructions(1, roles=roles).to_wire()))
        yield shard


async def seen(shard: ProfileShard) -> Seen:
    return Seen.from_wire(unpack(await shard.monitor()))


async def show(shard: ProfileShard) -> list[tuple[str, str]]:
    """One item each to everybody, seen by all and accepted by the first: (decision id, action)."""
    shown = []
    for customer in WHO:
        ((status, body),) = await send(shard, decision(customer, f"r {customer}"))
        assert status == 200
        item = body["placements"][0]["items"][0]
        shown.append((body["decision_id"], item["action"]))
        await send(shard, outcome(customer, *shown[-1], "impression"))
    await send(shard, outcome(WHO[0], *shown[0], "convert"), outcome(WHO[0], *shown[0], "accept"))
    return shown


async def pass_a_day(shard: ProfileShard) -> None:
    await shard.advance(pack(Instructions(2, clock_ms=START_MS + limits.DAY_MS).to_wire()))


def champion_of(rig: Rig, trained: Trained) -> Roles:
    rig.scorer = Scorer(rig.directory, trained)
    manifest = trained.manifest.model_copy(update={"reference": dict.fromkeys(trained.manifest.features, HALVES)})
    return Roles(1, trained.manifest.version, manifests={trained.manifest.version: manifest.to_wire()})


def test_labels_and_rows_of_a_scorer_are_counted_by_action_and_channel(rig: Rig, trained: Trained) -> None:
    async def scenario() -> None:
        version = trained.manifest.version
        async with watching(rig, champion_of(rig, trained)) as shard:
            shown = await show(shard)
            before = await seen(shard)
            assert before.labels == {}
            assert {key.channel for key in before.spread} == {"web"}
            rows = sum(int(sums.sum()) for sums in before.spread.values())
            assert rows == len(shown) * len(before.references[version].features)
            assert all(len(sums) == BINS * len(trained.manifest.features) for sums in before.spread.values())
            await pass_a_day(shard)
            after = await seen(shard)
            assert {key.scorer for key in after.labels} == {version}
            found = monitor(after, version)
            assert (found["rows"], found["observed"]) == (3, 1)
            assert 0 < found["predicted"] < 3
            assert found["features"]["rows"] == 3
    run(scenario())


def test_without_a_scorer_it_is_the_evidence_that_is_watched_and_no_features(rig: Rig) -> None:
    async def scenario() -> None:
        async with watching(rig) as shard:
            await show(shard)
            await pass_a_day(shard)
            found = await seen(shard)
            assert {key.scorer for key in found.labels} == {EVIDENCE}
            assert sum(Calibration.of(sums).rows for sums in found.labels.values()) == 3
            assert (found.spread, found.references) == ({}, {})
            assert found.newest_ms == found.at_ms == START_MS + limits.DAY_MS
    run(scenario())


def test_a_shard_that_drained_goes_on_counting_where_it_was(rig: Rig) -> None:
    async def scenario() -> None:
        async with watching(rig) as shard:
            await show(shard)
            await pass_a_day(shard)
            before = await seen(shard)
            await shard.drain()
        async with rig.shard() as shard:
            await gone_on(shard)
            after = await seen(shard)
            assert {key: sums.tolist() for key, sums in after.labels.items()} == {
                key: sums.tolist() for key, sums in before.labels.items()
            }
            assert after.since_ms == before.since_ms
    run(scenario())


@pytest.mark.parametrize("kept", [b"torn", b"", pack({"layout": 0}), pack([1, 2])])
def test_a_file_that_cannot_be_read_costs_the_counts_and_no_more(rig: Rig, kept: bytes) -> None:
    async def scenario() -> None:
        file_of(rig.directory).parent.mkdir()
        file_of(rig.directory).write_bytes(kept)
        async with watching(rig) as shard:
            await show(shard)
            await pass_a_day(shard)
            assert sum(Calibration.of(sums).rows for sums in (await seen(shard)).labels.values()) == 3
    run(scenario())


def test_a_disk_that_takes_nothing_stops_no_shard(rig: Rig) -> None:
    async def scenario() -> None:
        file_of(rig.directory).parent.write_bytes(b"no folder")
        async with watching(rig) as shard:
            await show(shard)
            await pass_a_day(shard)
            await shard.drain()
            assert (await seen(shard)).labels
    run(scenario())


def test_of_too_many_labels_the_oldest_are_dropped_and_counted(rig: Rig) -> None:
    async def scenario() -> None:
        async with watching(rig) as shard:
            many = limits.MONITOR_LABELS_QUEUED_MAX + 5
            labels = [Label(f"d-{n}", "gift", "web", "s", 0.5, False, START_MS) for n in range(many)]
            shard._watcher.see(TurnResult(START_MS, b"", labels=labels))
            found = await seen(shard)
            assert int(found.labels["s", "gift", "web"][0]) == many - 5  # type: ignore[index]
            assert found.dropped == 5
    run(scenario())


def test_the_scores_of_a_shadow_wait_for_the_label_of_what_was_shown(rig: Rig) -> None:
    async def scenario() -> None:
        async with watching(rig) as shard:
            decision_id, action = (await show(shard))[0]
            shard._watcher.shadowed(decision_id, "shadow", {action: 0.75, "never shown": 0.1})
            await pass_a_day(shard)
            found = await seen(shard)
            assert set(found.shadows) == {Key("shadow", action, "web")}
            compared: dict[str, Any] = monitor(found, "shadow")["shadow"]
            assert (compared["rows"], compared["predicted"]) == (1, 0.75)
    run(scenario())


def file_of(directory: Path) -> Path:
    return directory / FOLDER / "shard-0.bin"


async def gone_on(shard: ProfileShard) -> None:
    """Wait until what was kept has been read."""
    while not (await seen(shard)).labels:  # noqa: ASYNC110
        await asyncio.sleep(0)
