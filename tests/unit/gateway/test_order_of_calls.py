"""Two calls to a shard in flight: what is lost on the way never changes the order in which commands are applied."""

from __future__ import annotations

import asyncio
import random

import pytest

from actors.gateway.batching import Lane, ShardGone
from models import canonical, limits
from models.turn.commands import EVENT, Command

LONG_MS = 60_000.0
ENOUGH = limits.GATEWAY_SECOND_CALL_COMMANDS_MIN


def command(number: int) -> Command:
    return Command(EVENT, b"k" * 16, "c", {"event_id": str(number)})


class MortalShard:
    """Works on calls one after the other, in the order in which they came. When it dies, whatever is in flight is lost,
    and it may have applied a part of it before; only a call that follows none makes a new connection. It knows what it
    has applied and does nothing twice."""

    def __init__(self, rng: random.Random, deaths: int) -> None:
        self._rng = rng
        self._deaths = deaths
        self._inbox: list[tuple[list[int], asyncio.Future[None]]] = []
        self.applied: list[int] = []
        self.most_in_flight = 0
        self._connected = False

    async def __call__(self, batch: bytes, follows: bool) -> bytes:
        if follows and not self._connected:
            raise ShardGone("the connection is lost")
        self._connected = True
        numbers = [int(Command.from_wire(wire).body["event_id"]) for wire in canonical.unpack(batch)]
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._inbox.append((numbers, done))
        self.most_in_flight = max(self.most_in_flight, len(self._inbox))
        await done
        return canonical.pack({"r": [[200, canonical.pack(number)] for number in numbers], "t": {}})

    def work(self) -> None:
        """Answer the oldest call, or die."""
        if not self._inbox:
            return
        if self._deaths and self._rng.random() < 0.5:
            self._deaths -= 1
            lost = [number for numbers, _ in self._inbox for number in numbers]
            self._apply(lost[: self._rng.randint(0, len(lost))])
            inbox, self._inbox = self._inbox, []
            self._connected = False
            self._rng.shuffle(inbox)
            for _, done in inbox:
                done.set_exception(ShardGone("died"))
        else:
            numbers, done = self._inbox.pop(0)
            self._apply(numbers)
            done.set_result(None)

    def _apply(self, numbers: list[int]) -> None:
        self.applied += [number for number in numbers if number not in self.applied]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GATEWAY_RETRY_MS_MIN", 0)
    monkeypatch.setattr(limits, "GATEWAY_RETRY_MS_MAX", 0)


@pytest.mark.parametrize("seed", range(40))
def test_commands_are_applied_in_the_order_of_their_submission_however_often_the_shard_dies(seed: int) -> None:
    async def body() -> None:
        rng = random.Random(seed)
        shard = MortalShard(rng, deaths=6)
        lane = Lane(shard, "0", 2)
        futures = []
        for number in range(400):
            futures.append(lane.submit([command(number)], LONG_MS))
            if rng.random() < 0.1:
                await asyncio.sleep(0)
            if rng.random() < 0.02:
                shard.work()
        while not all(future.done() for future in futures):
            await asyncio.sleep(0)
            shard.work()
        assert shard.applied == list(range(400))

    asyncio.run(body())


def test_a_second_call_flies_only_when_it_is_worth_a_turn() -> None:
    async def body() -> None:
        shard = MortalShard(random.Random(0), deaths=0)
        lane = Lane(shard, "0", 2)
        futures = [lane.submit([command(0)], LONG_MS)]
        await _settle()
        shard.work()
        await _settle()
        for number in range(1, ENOUGH + 2):
            assert shard.most_in_flight == 1
            futures.append(lane.submit([command(number)], LONG_MS))
            await _settle()
        assert shard.most_in_flight == 2
        while not all(future.done() for future in futures):
            shard.work()
            await _settle()

    asyncio.run(body())


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)
