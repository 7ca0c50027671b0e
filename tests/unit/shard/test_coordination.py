"""What a shard takes from its coordinator, and what it refuses to take."""

from __future__ import annotations

import asyncio
import json

import pytest
from simulation.catalog import other_plan, plan
from unit.shard.rig import Rig, decision, event, run, send, until

from actors.logs import configure_logs
from actors.shard.sync import log
from models.canonical import pack, unpack
from models.coordination.messages import CatalogNews, Instructions


def test_a_new_catalog_is_adopted_between_turns_and_survives_a_restart(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            rig.coordinator.catalog = CatalogNews(other_plan().version, dict(other_plan().catalog))
            await shard.poke()
            await until(shard.status, lambda status: status["catalog_version"] == other_plan().version)
            ((_, body),) = await send(shard, decision("anna", "r1"))
            assert body["catalog_version"] == other_plan().version
        rig.coordinator.gone = True
        async with rig.shard() as shard:
            assert unpack(await shard.status())["catalog_version"] in (None, other_plan().version)
            await send(shard, event("anna", "e1"))
            assert unpack(await shard.status())["catalog_version"] == other_plan().version

    run(scenario())


def test_a_catalog_that_compiles_to_something_else_is_never_logged(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            broken = Instructions(1, catalog=CatalogNews("sha256:else", dict(plan().catalog)))
            nonsense = Instructions(1, catalog=CatalogNews("sha256:none", {"catalog": 1}))
            for instructions in (broken, nonsense):
                await shard.advance(pack(instructions.to_wire()))
            assert unpack(await shard.status())["catalog_version"] == plan().version
            assert rig.left == []
            page = unpack(await shard.journal(0, 100))
            assert sum(fact[0] == 101 for row in page["rows"] for fact in row["f"]) == 1

    run(scenario())


def test_a_shard_that_its_coordinator_refuses_leaves(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            refused = Instructions(1, refused="epoch 9 owns shard 0")
            rig.coordinator.instructions = lambda _: refused  # type: ignore[method-assign]
            await shard.poke()
            while not rig.left:  # noqa: ASYNC110
                await asyncio.sleep(0)
            assert "epoch 9" in rig.left[0]

    run(scenario())


def test_logs_are_json_lines_without_the_values_of_locals(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO")

    def fail() -> None:
        customer_id = "hh-" + "1229"
        raise ValueError(len(customer_id))

    try:
        fail()
    except ValueError:
        log.error("it failed", shard=3, exc_info=True)
    log.debug("not shown")
    (line,) = capsys.readouterr().err.splitlines()
    written = json.loads(line)
    assert (written["event"], written["level"], written["shard"]) == ("it failed", "error", 3)
    assert "ValueError: 7" in written["exception"]
    assert "hh-1229" not in line
