"""Every item of a timeline says at which version of the customer it left it, on whichever page it is read."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from unit.shard.looking_back import MINUTE, at_version, checkpoint, move_clock, one, outcome, standing
from unit.shard.rig import START_MS, Rig, decision, event, read, run, send

from actors.profile_shard import ProfileShard
from models.limits import DAY_MS
from models.turn.commands import HISTORY, TIMELINE


async def items(shard: ProfileShard, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    before = None
    while True:
        page = await one(shard, read("anna", TIMELINE, limit=limit, before=before))
        found += page["items"]
        before = page["next_before"]
        if before is None:
            return found


async def live(rig: Rig, shard: ProfileShard, rng: random.Random, told: dict[str, int]) -> None:
    """Whatever makes versions, some of it together in a turn; ``told``: what callers were told, by id."""
    for number in range(30):
        now_ms = rig.coordinator.clock_ms
        chance = rng.random()
        if chance < 0.4:
            sent = [event("anna", f"e{number}", time_ms=now_ms), event("ben", f"e{number}"),
                    event("anna", f"f{number}", time_ms=now_ms)]
            changed = read("anna", "attributes", size=float(number))
            for _, body in await send(shard, *sent[: rng.randint(1, 3)], changed):
                told.setdefault(body.get("event_id", ""), body["state_version"])
        elif chance < 0.5:
            history = {"event_id": f"file:{number}", "customer_id": "anna", "type": "basket", "time_ms": START_MS - 1,
                       "channel": None, "properties": {"total": 1.0}, "source": "file"}
            imported = await one(shard, replace(read("anna", HISTORY), body=history))
            told[imported["event_id"]] = imported["state_version"]
        elif chance < 0.8:
            nested = {"event_id": f"n{number}", "type": "basket", "time_ms": None, "channel": "web", "properties": {}}
            decided = await one(shard, decision("anna", f"r{number}", event=nested if rng.random() < 0.5 else None))
            told[decided["decision_id"]] = decided["state_version"]
            if decided["placements"][0]["items"] and rng.random() < 0.8:
                shown = await one(shard, outcome("anna", f"o{number}", decided, "impression", now_ms))
                told[shown["outcome_id"]] = shown["state_version"]
        elif chance < 0.9:
            await checkpoint(shard)
        else:
            await move_clock(rig, shard, now_ms + rng.choice([MINUTE, 200 * MINUTE]))


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_version_that_the_caller_was_told(rig: Rig, seed: int) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            told: dict[str, int] = {}
            await live(rig, shard, random.Random(seed), told)
            await move_clock(rig, shard, rig.coordinator.clock_ms + 300 * MINUTE)
            found = await items(shard, 500)
            versions = [item["state_version"] for item in found]
            assert versions == sorted(set(versions), reverse=True)
            assert {item["id"] for item in found} >= told.keys() - {""}
            assert all(told.get(item["id"], item["state_version"]) == item["state_version"] for item in found)
            assert any(str(item["id"]).endswith(":none") for item in found)
            assert await items(shard, 1) == found
            assert await items(shard, 7) == found
            for item in found[:: len(found) // 4]:
                assert (await one(shard, standing("anna", at_version(item["state_version"]))))["state_version"] > 0

    run(scenario())


def test_a_page_of_what_only_the_system_wrote_is_counted_from_its_neighbours(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            decided = await one(shard, decision("anna", "r1"))
            await send(shard, outcome("anna", "o1", decided, "impression", START_MS))
            await move_clock(rig, shard, START_MS + DAY_MS)
            page = await one(shard, read("anna", TIMELINE, limit=1))
            assert page["items"][0]["id"].endswith(":none")
            assert page["items"][0]["state_version"] == 3
            assert (await one(shard, read("anna")))["state_version"] == 3

    run(scenario())
