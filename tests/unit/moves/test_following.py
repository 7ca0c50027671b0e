"""A standby holds exactly what a restart would, whatever the owner does meanwhile."""

from __future__ import annotations

import random
from typing import Any

import pytest
from support.roles import champion
from unit.moves.rig import Moves, advance, image
from unit.shard.rig import START_MS, decision, event, key, read, run, send

from actors.shard.following import Follower
from models import limits
from models.coordination.messages import Count, EvidenceNews
from models.errors import JournalFailed
from models.turn.commands import TIMELINE, Command
from models.turn.keys import KeyPair, wanted

CUSTOMERS = [f"c{number}" for number in range(12)]


def _commands(rng: random.Random, number: int, now_ms: int) -> list[Command]:
    """A turn's worth: events, decisions, a repeat now and then, an erasure."""
    found: list[Command] = []
    for place in range(rng.randint(1, 6)):
        who = rng.choice(CUSTOMERS)
        drawn = rng.random()
        if drawn < 0.08:
            found.append(read(who, "erase"))
        elif drawn < 0.5:
            found.append(decision(who, f"r{number}-{place}"))
        else:
            id_ = f"e{number}-{place}" if rng.random() < 0.9 else f"e{rng.randint(0, number)}-0"
            found.append(event(who, id_, total=rng.randint(1, 90), time_ms=now_ms))
    return found


def _news(rng: random.Random, number: int) -> dict[str, Any]:
    drawn = rng.random()
    if drawn < 0.2:
        return {"evidence": EvidenceNews(number, (Count("action", "gift", number, 2 * number),))}
    if drawn < 0.3:
        return {"roles": champion(None if number % 2 else f"s{number}", number=number)}
    return {}


def _step(rng: random.Random, follower: Follower) -> None:
    drawn = rng.random()
    if drawn < 0.4:
        follower.step()
    elif drawn < 0.8:
        follower.follow()
    else:
        follower.look_at_checkpoint()


async def live(moves: Moves, rng: random.Random, seed: int, settings: dict[str, Any]) -> set[KeyPair]:
    """An owner at work and a standby behind it; then another start. Both must hold the same."""
    asked: set[KeyPair] = set()
    async with moves.incarnation(1, **settings) as owner:
        standby, follower = moves.follower(2, **settings)
        for number in range(1, 60):
            commands = _commands(rng, number, moves.coordinator.clock_ms)
            asked |= set(wanted(commands))
            await send(owner, *commands)
            if rng.random() < 0.3:
                await advance(moves, owner, **_news(rng, number))
            if rng.random() < 0.5:
                _step(rng, follower)
    follower.take_over()
    restarted = moves.restarted(3, **settings)
    customers = [key(who) for who in CUSTOMERS]
    assert image(standby, customers, sorted(asked)) == image(restarted, customers, sorted(asked)), seed
    for customer in restarted.residency.dirty():
        assert customer in standby.residency.dirty(), "what a restart would have to write out, a standby must, too"
    covered = follower._covered
    assert all(entry.seq > covered for name in standby.residency.dirty() if (entry := standby.residency.get(name)))
    return asked


@pytest.mark.parametrize("seed", range(12))
def test_a_standby_holds_what_a_restart_would_hold(moves: Moves, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FOLLOW_CHECKPOINT_MS", 0)
    monkeypatch.setattr(limits, "READ_ROWS", 4)
    rng = random.Random(seed)
    settings = {
        "checkpoint_turns": rng.choice([3, 7, 1_000]), "resident_bytes": rng.choice([12_000, 10_000_000]),
        "hot_profiles": rng.choice([2, 100]),
    }
    run(live(moves, rng, seed, settings))


def test_what_a_checkpoint_of_the_owner_covers_is_held_no_longer(moves: Moves) -> None:
    async def scenario() -> None:
        async with moves.incarnation(1) as owner:
            standby, follower = moves.follower(2)
            await send(owner, *(event(f"c{n}", "e") for n in range(20)))
            follower.follow()
            assert len(standby.core.state.recent) == 20
            await owner.drain()
            follower.look_at_checkpoint()
            assert standby.core.state.recent == {}
            assert (standby.recent_rows.count, standby.tail.turns, standby.residency.dirty()) == (0, 0, [])
            assert len(standby.residency) == 20

    run(scenario())


def test_rows_that_come_between_the_last_look_and_the_takeover_are_replayed(moves: Moves) -> None:
    async def scenario() -> None:
        async with moves.incarnation(1) as owner:
            await send(owner, event("anna", "e1"))
            standby, follower = moves.follower(2)
            follower.follow()
            await send(owner, event("ben", "e1"))
            await send(owner, event("anna", "e2"), event("ben", "e2"))
            seq = standby.core.state.seq
            follower._catch_up = lambda: None  # type: ignore[method-assign]
            follower.take_over()
            assert standby.core.state.seq == seq + 2
        names = [key("anna"), key("ben")]
        assert image(standby, names, [])["customers"] == image(moves.restarted(3), names, [])["customers"]

    run(scenario())


def test_rows_that_were_truncated_before_they_were_read_are_passed_over_by_a_checkpoint(moves: Moves) -> None:
    async def scenario() -> None:
        async with moves.incarnation(1, checkpoint_turns=2, retention_ms=1_000) as owner:
            standby, follower = moves.follower(2)
            await send(owner, event("anna", "e1"))
            follower.follow()
            for number in range(10):
                moves.coordinator.clock_ms += limits.IDEMPOTENCY_MS
                await advance(moves, owner)
                await send(owner, event("anna", f"late{number}", time_ms=moves.coordinator.clock_ms))
            await owner.drain()
            assert owner._parts.store.journal.oldest_seq() > standby.core.state.seq + 1
            follower.follow()
            # The owner may learn a moment later of a row of its own that is in the store.
            assert standby.core.state.seq >= owner._parts.core.state.seq
        follower.take_over()
        names = [key("anna")]
        assert image(standby, names, [])["customers"] == image(moves.restarted(3), names, [])["customers"]

    run(scenario())


def test_a_row_that_is_missing_is_never_passed_over(moves: Moves) -> None:
    async def scenario() -> None:
        async with moves.incarnation(1) as owner:
            for number in range(6):
                await send(owner, event("anna", f"e{number}"))
            _, follower = moves.follower(2)
            with owner._parts.store.journal._file.writing() as db:  # type: ignore[attr-defined]
                db.execute("DELETE FROM log WHERE seq <= 3")
            with pytest.raises(JournalFailed, match="truncated but has no checkpoint"):
                moves.follower(2)
            with pytest.raises(JournalFailed, match="goes on at row 4 after row 0"):
                follower.follow()

    run(scenario())


def test_a_customer_erased_while_a_standby_follows_cannot_be_read_by_it(moves: Moves) -> None:
    async def scenario() -> None:
        async with moves.incarnation(1, checkpoint_turns=3) as owner, moves.incarnation(2, standby=True) as standby:
            await send(owner, event("anna", "e1"), event("ben", "e1"))
            await standby._succession._parts.writer(standby._succession._follower.follow)  # type: ignore[union-attr]
            ((_, receipt),) = await send(owner, read("anna", "erase"))
            await send(owner, event("ben", "e2"))
            await owner.drain()
            await standby.serve()
            assert (await send(standby, read("anna")))[0][0] == 404
            assert (await send(standby, read("anna", TIMELINE)))[0][0] == 404
            assert (await send(standby, read("anna", "erase")))[0] == (200, receipt)
            ring = standby._parts.store.keyring
            assert ring.keys([(key("anna"), 1)]) == {(key("anna"), 1): None}
            ((_, reborn),) = await send(standby, event("anna", "e1"))
            assert reborn["state_version"] == 1

    run(scenario())


def test_an_erasure_whose_owner_died_before_it_destroyed_the_key_is_made_good_by_the_next(moves: Moves) -> None:
    async def scenario() -> None:
        async with moves.incarnation(1) as owner, moves.incarnation(2, standby=True) as standby:
            await send(owner, event("anna", "e1"))
            monkey = owner._parts.store.keyring
            monkey.destroy = lambda *_: None  # type: ignore[method-assign]
            await send(owner, read("anna", "erase"))
            assert monkey.table.destroyed([key("anna")]) == {}
            await standby.serve()
            assert monkey.table.destroyed([key("anna")]) == {key("anna"): (1, START_MS)}

    run(scenario())


def test_a_standby_whose_memory_is_full_lets_go_of_what_the_owner_has_written(moves: Moves) -> None:
    """It writes nothing, and fences nobody to get room."""
    async def scenario() -> None:
        bound = 60_000
        small = {"resident_bytes": bound, "hot_profiles": 4}
        async with moves.incarnation(1, **small) as owner:
            standby, follower = moves.follower(2, **small)
            for start in range(0, 400, 20):
                await send(owner, *(event(f"c{n}", "e") for n in range(start, start + 20)))
                await owner._loop.at_boundary(owner._loop._checkpointer.step)
                follower.follow()
                assert standby.residency.bytes <= bound + 40 * 6_000
            assert len(standby.residency) < 200
            assert (await send(owner, event("c0", "e2")))[0][0] == 200
        follower.take_over()
        names = [key(f"c{n}") for n in range(400)]
        restarted = moves.restarted(3, **small)
        assert image(standby, names, [])["customers"] == image(restarted, names, [])["customers"]

    run(scenario())
