"""A customer as of a moment is what a read of that moment answered; looking back changes nothing."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import pytest
from simulation.catalog import other_plan
from simulation.catalog import plan as first_plan
from unit.shard.looking_back import (
    HOUR,
    MINUTE,
    about,
    at_time,
    at_version,
    checkpoint,
    deciding,
    image,
    move_clock,
    one,
    outcome,
    publish,
    quiet,
    standing,
    told_at,
)
from unit.shard.rig import START_MS, Rig, decision, event, key, read, run, send

from actors.profile_shard import ProfileShard
from actors.shard.past import NoSuchCustomerError
from models.limits import DAY_MS
from models.turn.commands import PAST_DECISION, RERUN, TIMELINE

WHO = ("anna", "ben", "carl")


async def step(rig: Rig, shard: ProfileShard, rng: random.Random, number: int) -> None:
    """Something happens: to a customer, to the catalog, to the clock."""
    who, now_ms = rng.choice(WHO), rig.coordinator.clock_ms
    chance = rng.random()
    if chance < 0.35:
        await send(shard, event(who, f"e{number}", rng.choice([5.0, 80.0]), time_ms=now_ms), event("ben", f"b{number}"))
    elif chance < 0.6:
        decided = await one(shard, decision(who, f"r{number}", placements=[{"id": "strip", "count": 2}]))
        if rng.random() < 0.7 and decided["placements"][0]["items"]:
            type_ = rng.choice(["impression", "click", "reject", "accept"])
            await send(shard, outcome(who, f"o{number}", decided, type_, now_ms))
    elif chance < 0.7:
        await send(shard, read(who, "attributes", size=float(number)), read(who, "consent", marketing=True))
    elif chance < 0.72:
        await send(shard, read(who, "erase"))
    elif chance < 0.8:
        live = shard._parts.core.state.plan
        assert live is not None
        await publish(rig, shard, other_plan() if live.version == first_plan().version else first_plan())
    elif chance < 0.87:
        await checkpoint(shard)
    else:
        await move_clock(rig, shard, now_ms + rng.choice([1, MINUTE, 20 * MINUTE, 3 * HOUR]))


async def generation_of(shard: ProfileShard, who: str) -> int:
    """0 for one who is not there."""
    with suppress(NoSuchCustomerError):
        return (await shard._reads._past.present(key(who))).generation
    return 0


async def noted(rig: Rig, shard: ProfileShard, seen: dict[Any, Any]) -> None:
    """What everybody is now, by version and by time; with the generation, for what is erased is told no more."""
    for who in WHO:
        ((status, body),) = await send(shard, read(who))
        full = None
        if status == 200:
            ((_, full),) = await send(shard, standing(who, policies=True))
            assert {name: told for name, told in full.items() if name != "policies"} == body
        generation = await generation_of(shard, who)
        if full is not None:
            seen.setdefault((who, "version", (generation, full["state_version"])), (generation, full))
        seen[who, "time", rig.coordinator.clock_ms] = (generation, full)


async def check(rig: Rig, shard: ProfileShard, seen: dict[Any, Any]) -> int:
    """Every moment is answered as it was then; those of who was erased are not."""
    await quiet(rig, shard)
    before, compared = image(shard), 0
    for (who, by, value), (generation, full) in seen.items():
        present = await generation_of(shard, who)
        if by == "version" and present != generation:
            continue
        as_of = at_version(value[1]) if by == "version" else at_time(value)
        ((status, body),) = await send(shard, standing(who, as_of, policies=True))
        if present != generation or full is None:
            assert status == 404, (who, value, body)
            continue
        assert status == 200, body
        assert body.pop("as_of")["state_version"] == full["state_version"]
        if by == "time":
            assert body == full
        compared += 1
    assert image(shard) == before
    return compared


@pytest.mark.parametrize("seed", range(3))
def test_every_moment_is_told_as_it_was_told_then(rig: Rig, seed: int) -> None:
    rng, seen = random.Random(seed), dict[Any, Any]()

    async def scenario() -> None:
        async with rig.shard() as shard:
            for number in range(50):
                await step(rig, shard, rng, number)
                await noted(rig, shard, seen)
            assert await check(rig, shard, seen) > 20
        rig.coordinator.gone = False
        async with rig.shard() as shard:
            assert await check(rig, shard, seen) > 20

    run(scenario())


def test_what_a_version_was_is_told_to_the_byte_of_its_own_moment(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            seen = []
            for number in range(20):
                await send(shard, event("anna", f"e{number}", 3.0 * number, time_ms=rig.coordinator.clock_ms))
                seen.append(await one(shard, read("anna")))
                await move_clock(rig, shard, rig.coordinator.clock_ms + 17 * MINUTE)
            for version, body in enumerate(seen, 1):
                told = await one(shard, standing("anna", at_version(version)))
                assert told.pop("as_of") == {"state_version": version, "time": told_at((version - 1) * 17 * MINUTE)}
                assert told == body

    run(scenario())


def test_a_timer_that_was_due_by_then_has_fired_and_no_other(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "e1"))
            decided = await one(shard, decision("anna", "r1"))
            assert decided["placements"][0]["items"]
            await move_clock(rig, shard, START_MS + 3 * HOUR)
            early = await one(shard, standing("anna", at_time(START_MS + 14 * MINUTE)))
            late = await one(shard, standing("anna", at_time(START_MS + 16 * MINUTE)))
            assert (len(early["holds"]), len(late["holds"])) == (1, 0)
            assert (early["state_version"], late["state_version"]) == (2, 3)
            assert late["as_of"] == {"state_version": 3, "time": told_at(16 * MINUTE)}
            assert (await one(shard, read("anna")))["state_version"] == 3

    run(scenario())


def test_in_one_turn_a_moment_stands_between_two_facts(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            nested = {"event_id": "n", "type": "basket", "time_ms": None, "channel": "web", "properties": {"total": 1}}
            await send(shard, event("anna", "e1"), event("anna", "e2"), decision("anna", "r", event=nested))
            counted = [
                (await one(shard, standing("anna", at_version(version))))["features"]["baskets"]
                for version in (1, 2, 3, 4)
            ]
            assert counted == [1, 2, 3, 3]

    run(scenario())


def test_what_cannot_be_told_says_why(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await move_clock(rig, shard, START_MS + HOUR)
            await send(shard, event("anna", "e1"))
            asked = [
                standing("anna", at_version(2)), standing("anna", at_time(START_MS + 2 * HOUR)),
                standing("anna", at_time(START_MS)), standing("nobody", at_version(1)), standing("nobody"),
            ]
            replies = await send(shard, *asked)
            assert [status for status, _ in replies] == [422, 422, 404, 404, 404]
            assert replies[0][1]["errors"] == [
                {"loc": ["as_of"], "msg": "version 2 is not reached yet; it is 1"}
            ]
            assert "2026-01-01T01:00:00Z" in replies[1][1]["detail"]
            assert "not seen yet then" in replies[2][1]["detail"]
            await send(shard, read("anna", "erase"))
            assert (await send(shard, standing("anna", at_version(1))))[0][0] == 404
            await move_clock(rig, shard, START_MS + 2 * HOUR)
            await send(shard, event("anna", "e2"), event("anna", "e3"))
            replies = await send(
                shard, standing("anna", at_time(START_MS + HOUR)), standing("anna", at_version(1)),
                standing("anna", at_time(START_MS + 2 * HOUR)),
            )
            assert [status for status, _ in replies] == [404, 200, 200]
            assert (replies[1][1]["state_version"], replies[2][1]["state_version"]) == (1, 2)

    run(scenario())


def test_beyond_the_retention_it_is_gone_and_its_edge_is_still_told(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard(retention_ms=10 * DAY_MS) as shard:
            old = await one(shard, decision("anna", "r1"))
            await send(shard, event("anna", "e1"), event("ben", "e1"))
            at_edge = await one(shard, standing("anna", at_version(2)))
            await move_clock(rig, shard, START_MS + 11 * DAY_MS)
            young = await one(shard, decision("anna", "r2"))
            await send(shard, event("dora", "e1", time_ms=rig.coordinator.clock_ms))
            await checkpoint(shard)
            version = young["state_version"]
            await quiet(rig, shard)
            before = image(shard)
            replies = await send(
                shard, standing("anna", at_version(1)), standing("anna", at_time(START_MS - 1)),
                standing("anna", at_version(version)), standing("anna", at_time(START_MS + DAY_MS)),
                standing("dora", at_time(START_MS - 1)), standing("ben", at_version(1)),
                about(PAST_DECISION, "anna", old["decision_id"]), about(RERUN, "anna", old["decision_id"]),
                about(PAST_DECISION, "anna", young["decision_id"]), about(RERUN, "anna", young["decision_id"]),
                deciding("anna", at_version(1)), deciding("anna", at_version(version)),
            )
            assert [status for status, _ in replies] == [410, 410, 200, 200, 404, 200, 410, 410, 200, 200, 410, 200]
            assert replies[3][1]["attributes"] == at_edge["attributes"]
            assert replies[9][1]["same"]
            assert image(shard) == before

    run(scenario())


def test_turns_come_in_between_the_steps_of_a_look_back(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            for number in range(100):
                await send(shard, event("anna", f"e{number}"))
            asked = [standing("anna", at_version(90)), event("anna", "last"), read("anna", TIMELINE)]
            replies = await send(shard, *asked)
            assert [status for status, _ in replies] == [200, 200, 200]
            assert replies[0][1]["state_version"] == 90
            assert (await one(shard, read("anna")))["state_version"] == 101

    run(scenario())


def test_a_journal_that_is_truncated_under_a_look_back_is_read_again(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "e1"))
            journal: Any = shard._parts.store.journal
            row, gone = journal.row, [True]
            journal.row = lambda seq: None if gone and gone.pop() else row(seq)
            assert (await one(shard, standing("anna", at_version(1))))["state_version"] == 1
            journal.row = lambda seq: None
            assert (await send(shard, standing("anna", at_version(1))))[0][0] == 410

    run(scenario())


def test_who_was_passivated_is_told_with_policies_and_stays_in_the_store(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "e1"))
            known = await one(shard, read("anna"))
            await checkpoint(shard)
            shard._parts.residency._drop(key("anna"))
            told = await one(shard, standing("anna", policies=True))
            assert {name: value for name, value in told.items() if name != "policies"} == known
            assert shard._parts.residency.get(key("anna")) is None

    run(scenario())
