"""A turn takes what is likely to be done within its target time: more of cheap commands, fewer of dear ones."""

from __future__ import annotations

from unit.shard.rig import Rig, event, run, send

from actors.shard.pace import Pace
from models import limits
from models.canonical import unpack


def test_a_turn_takes_all_it_may_until_commands_prove_dear() -> None:
    assert Pace().room == limits.TURN_COMMANDS_MAX


def test_the_room_of_a_turn_follows_what_a_command_costs() -> None:
    pace = Pace()
    for _ in range(60):
        pace.turned(cpu_ms=64 * 0.5, commands=64)
    assert pace.room == limits.TURN_TARGET_MS / 0.5
    for _ in range(60):
        pace.turned(cpu_ms=64 * 0.01, commands=64)
    assert pace.room == limits.TURN_COMMANDS_MAX


def test_however_dear_commands_are_a_turn_takes_some() -> None:
    pace = Pace()
    for _ in range(60):
        pace.turned(cpu_ms=900, commands=1)
    assert pace.room == limits.TURN_COMMANDS_MIN


def test_what_does_not_fit_into_a_turn_is_done_in_the_next_in_order(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            for _ in range(60):
                shard._loop._pace.turned(cpu_ms=900, commands=1)
            before = unpack(await shard.status()).get("turns", 0)
            replies = await send(shard, *(event("anna", f"e{number}") for number in range(40)))
            assert [body["state_version"] for _, body in replies] == list(range(1, 41))
            assert unpack(await shard.status())["turns"] - before >= 3

    run(scenario())
