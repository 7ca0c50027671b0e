"""Moves under traffic, through the gateway's own lanes and links: nothing fails, is done twice, or out of order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from unit.moves.rig import Moves, spin
from unit.shard.rig import decision, event, key, read, run, send, until

from actors.directory import Directory
from actors.gateway.batching import Lane, Replies
from actors.gateway.shards import LiveBackend
from actors.link.handshake import link_key
from actors.naming import shard_name
from actors.profile_shard import ProfileShard
from models import limits
from models.canonical import unpack
from models.profile.facts import EventApplied
from models.turn.commands import TIMELINE, Command

#: Nobody waits so long but on a loaded machine, where a second may be a minute.
WAIT_MS = 120_000.0


class Handle:
    """As Ray's: each method has a ``remote``."""

    def __init__(self, shard: ProfileShard) -> None:
        self._shard = shard

    def __getattr__(self, method: str) -> Any:
        called = getattr(self._shard, method)
        return type("Method", (), {"remote": staticmethod(lambda *args: asyncio.ensure_future(called(*args)))})


class Place:
    """Where the incarnations of a shard come and go."""

    def __init__(self, moves: Moves, **settings: Any) -> None:
        self._moves = moves
        self._settings = {"link_host": "127.0.0.1", **settings}
        self.live: dict[str, ProfileShard] = {}
        self.newest = 0
        self.backend = LiveBackend(link_key(moves.shared.secret()), Directory(self))

    def known(self) -> list[str]:
        return list(self.live)

    def find(self, name: str) -> Any:
        if name not in self.live:
            raise ValueError(name)
        return Handle(self.live[name])

    async def begin(self, **more: Any) -> ProfileShard:
        """The next incarnation."""
        self.newest += 1
        shard = self._moves.make(self.newest, **self._settings, **more)
        self.live[shard_name(0, self.newest)] = shard
        await shard.ping()
        return shard

    async def end(self, shard: ProfileShard) -> None:
        name = next(name for name, one in self.live.items() if one is shard)
        del self.live[name]
        await shard.stop()

    async def call(self, batch: bytes, follows: bool) -> bytes:
        return await self.backend.batch(0, batch, follows)


@asynccontextmanager
async def place(moves: Moves, **settings: Any) -> AsyncIterator[tuple[Place, ProfileShard]]:
    where = Place(moves, **settings)
    try:
        shard = await where.begin()
        await until(shard.status, lambda status: bool(status.get("ready")) and not status["degraded"])
        yield where, shard
    finally:
        for shard in list(where.live.values()):
            await where.end(shard)


async def planned(where: Place, old: ProfileShard, rng: random.Random) -> ProfileShard:
    new = await where.begin(standby=True)
    await until(new.status, lambda status: status["state"] == "standby")
    await old.release()
    await new.serve()
    if rng.random() < 0.5:
        await where.end(old)
    return new


async def hasty(where: Place, old: ProfileShard, rng: random.Random) -> ProfileShard:
    """Nobody told the old one; it is fenced in mid-work."""
    new = await where.begin(standby=True)
    await new.serve()
    await where.end(old)
    return new


async def killed(where: Place, old: ProfileShard, rng: random.Random) -> ProfileShard:
    await where.end(old)
    return await where.begin()


async def abandoned(where: Place, old: ProfileShard, rng: random.Random) -> ProfileShard:
    """The standby is lost after the release."""
    new = await where.begin(standby=True)
    await old.release()
    await where.end(new)
    await old.resume()
    return old


def _work(rng: random.Random, number: int) -> Command:
    who = f"c{rng.randint(0, 9)}"
    return decision(who, f"r{number}") if rng.random() < 0.3 else event(who, f"e{number}", total=number)


async def _traffic(lane: Lane, rng: random.Random, total: int) -> list[tuple[Command, asyncio.Future[Replies]]]:
    asked = []
    for number in range(total):
        command = _work(rng, number)
        asked.append((command, lane.submit([command], WAIT_MS)))
        if rng.random() < 0.2:
            await spin(rng.randint(1, 20))
    return asked


@pytest.mark.parametrize("how", [planned, hasty, killed, abandoned])
@pytest.mark.parametrize("seed", range(3))
def test_every_command_is_answered_and_done_once_and_in_order(
    moves: Moves, how: Callable[..., Any], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RELEASE_MS_MAX", 200)
    run(check_moves(moves, random.Random(seed), how))


async def check_moves(moves: Moves, rng: random.Random, how: Callable[..., Any] = planned) -> None:
    """Four moves under traffic."""
    async with place(moves, checkpoint_turns=20) as (where, shard):
        lane = Lane(where.call, "0")
        traffic = asyncio.ensure_future(_traffic(lane, rng, 600))
        for _ in range(4):
            await spin(rng.randint(0, 400))
            shard = await how(where, shard, rng)
        asked = await traffic
        answers = [(command, (await future).replies[0]) for command, future in asked]
        assert {reply.status for _, reply in answers} == {200}
        assert {unpack(reply.body).get("status", "applied") for _, reply in answers} <= {"applied", "duplicate"}
        again = await lane.submit([asked[0][0]], WAIT_MS)
        assert again.replies[0].status == 200
        await _check(shard, [command for command, _ in asked])
    assert [why for why in moves.left if "Fenced" not in why] == []


async def _check(shard: ProfileShard, asked: list[Command]) -> None:
    """Every event is in the log once, and each customer's in the order in which they were submitted."""
    found: dict[bytes, list[str]] = {}
    after: int | None = 0
    while after is not None:
        page = unpack(await shard.journal(after, 1_000))
        for row in page["rows"]:
            for customer, _, _, facts in row["g"]:
                found.setdefault(customer, []).extend(fact[1] for fact in facts if fact[0] == EventApplied.TAG)
        after = page["next"]
    wanted: dict[bytes, list[str]] = {}
    for command in asked:
        if command.kind == "event":
            wanted.setdefault(command.customer, []).append(command.body["event_id"])
    assert found == {**{key_0: [] for key_0 in found}, **wanted}


def test_who_waits_for_a_version_and_who_reads_slowly_are_answered_by_the_next_incarnation(moves: Moves) -> None:
    async def scenario() -> None:
        async with place(moves) as (where, shard):
            patient = Lane(where.call, "0 patient", 4, ordered=False)
            lane = Lane(where.call, "0")
            await lane.submit([event("anna", "e1")], WAIT_MS)
            waiting = patient.submit([decision("anna", "r1", min_state_version=2)], WAIT_MS)
            await until(shard.status, lambda status: status["parked"] == 1)
            new = await where.begin(standby=True)
            await until(new.status, lambda status: status["state"] == "standby")
            await shard.release()
            reading = lane.submit_alone(read("anna", TIMELINE), WAIT_MS)
            await new.serve()
            assert [item["id"] for item in unpack((await reading).replies[0].body)["items"]] == ["e1"]
            await until(new.status, lambda status: status["parked"] == 1)
            await lane.submit([event("anna", "e2")], WAIT_MS)
            assert (await waiting).replies[0].status == 200

    run(scenario())


def test_a_zombie_answers_nobody_even_over_a_connection_that_it_still_has(moves: Moves) -> None:
    """It is fenced and does not know it: its next turn ends it, and what it was asked is asked of the next."""
    async def scenario() -> None:
        async with place(moves) as (where, old):
            lane = Lane(where.call, "0")
            await lane.submit([event("anna", "e1")], WAIT_MS)
            new = await where.begin(standby=True)
            await new.serve()
            asking = lane.submit([read("anna")], WAIT_MS)
            while not moves.left:  # noqa: ASYNC110
                await asyncio.sleep(0)
            assert not asking.done()
            await where.end(old)  # as its process ends
            assert (await asking).replies[0].status == 200
            assert (await send(new, event("anna", "e1")))[0][1]["status"] == "duplicate"
            assert new._parts.residency.get(key("anna")) is not None

    run(scenario())
