"""Natural batching: what travels together, what happens when a shard dies, and when time runs out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from actors.gateway import batching
from actors.gateway.batching import Lane, Replies, ShardGone
from actors.gateway.problems import Refused
from models import canonical, limits
from models.turn.commands import EVENT, PROFILE, Command

LONG_MS = 60_000.0


def command(name: str) -> Command:
    return Command(EVENT, b"k" * 16, "c", {"event_id": name})


class Shard:
    """Answers each command with its own id; calls end when the test lets them."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.gates: list[asyncio.Future[None]] = []
        self.failures: list[Exception] = []
        self.held = False

    async def __call__(self, batch: bytes, follows: bool = False) -> bytes:
        names = [Command.from_wire(wire).body["event_id"] for wire in canonical.unpack(batch)]
        self.calls.append(names)
        if self.failures:
            raise self.failures.pop(0)
        if self.held:
            gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.gates.append(gate)
            await gate
        return canonical.pack({"r": [[200, canonical.pack(name)] for name in names], "t": {"shard": 1.0}})


async def settle() -> None:
    """Let everything that can run, run."""
    for _ in range(10):
        await asyncio.sleep(0)


def names(replies: Replies) -> list[str]:
    return [canonical.unpack(reply.body) for reply in replies.replies]


def run(test: Callable[[Lane, Shard], Awaitable[None]], in_flight_max: int = 1) -> None:
    async def body() -> None:
        shard = Shard()
        await test(Lane(shard, "0", in_flight_max), shard)

    asyncio.run(body())


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries at once: pauses are yields."""
    monkeypatch.setattr(limits, "GATEWAY_RETRY_MS_MIN", 0)
    monkeypatch.setattr(limits, "GATEWAY_RETRY_MS_MAX", 0)


def test_what_arrives_while_a_call_is_in_flight_fills_the_next_one() -> None:
    async def test(lane: Lane, shard: Shard) -> None:
        shard.held = True
        first = lane.submit([command("a")], LONG_MS)
        await settle()
        rest = [lane.submit([command(name)], LONG_MS) for name in "bcd"]
        await settle()
        assert shard.calls == [["a"]]
        assert lane.waiting == 3
        shard.held = False
        shard.gates[0].set_result(None)
        assert names(await first) == ["a"]
        assert [names(await one) for one in rest] == [["b"], ["c"], ["d"]]
        assert shard.calls == [["a"], ["b", "c", "d"]]
        assert lane.waiting == 0

    run(test)


def test_what_arrives_in_one_round_of_the_loop_travels_together() -> None:
    async def test(lane: Lane, shard: Shard) -> None:
        futures = [lane.submit([command(name)], LONG_MS) for name in "abc"]
        await asyncio.gather(*futures)
        assert shard.calls == [["a", "b", "c"]]

    run(test, in_flight_max=2)


def test_a_group_is_never_split_and_a_call_never_exceeds_a_turn() -> None:
    async def test(lane: Lane, shard: Shard) -> None:
        sizes = [300, 300, 200, 12]
        groups = [[command(f"{at}.{n}") for n in range(size)] for at, size in enumerate(sizes)]
        futures = [lane.submit(group, LONG_MS) for group in groups]
        replies = await asyncio.gather(*futures)
        assert [len(call) for call in shard.calls] == [300, 512]
        assert [names(one) for one in replies] == [[c.body["event_id"] for c in group] for group in groups]

    run(test)


def test_a_batch_is_sent_again_with_the_same_ids_when_the_shard_died() -> None:
    async def test(lane: Lane, shard: Shard) -> None:
        shard.failures = [ShardGone("died"), ShardGone("not there yet")]
        futures = [lane.submit([command(name)], LONG_MS) for name in "ab"]
        assert [names(one) for one in await asyncio.gather(*futures)] == [["a"], ["b"]]
        assert shard.calls == [["a", "b"]] * 3

    run(test)


def test_a_later_batch_does_not_overtake_one_that_is_sent_again() -> None:
    async def test(lane: Lane, shard: Shard) -> None:
        shard.failures = [ShardGone("died")]
        first = lane.submit([command("a")], LONG_MS)
        await settle()
        second = lane.submit([command("b")], LONG_MS)
        await asyncio.gather(first, second)
        assert [call for call in shard.calls if "b" in call] == shard.calls[2:]

    run(test)


@pytest.mark.parametrize(("dead", "status"), [(True, 503), (False, 504)])
def test_the_deadline_ends_the_wait_with_a_status_that_says_why(dead: bool, status: int) -> None:
    async def test(lane: Lane, shard: Shard) -> None:
        shard.failures = [ShardGone("died")] * (1_000_000 if dead else 0)
        shard.held = not dead
        with pytest.raises(Refused) as caught:
            await lane.submit([command("a")], 5.0)
        assert caught.value.status == status
        assert any(name == b"retry-after" for name, _ in caught.value.headers) == dead

    run(test)


def test_a_failure_that_is_no_restart_is_not_tried_again() -> None:
    async def test(lane: Lane, shard: Shard) -> None:
        shard.failures = [ValueError("a bug")]
        with pytest.raises(Refused) as caught:
            await lane.submit([command("a")], LONG_MS)
        assert caught.value.status == 500
        assert names(await lane.submit([command("b")], LONG_MS)) == ["b"]
        assert shard.calls == [["a"], ["b"]]

    run(test)


def test_a_caller_that_left_is_not_sent_and_harms_no_other() -> None:
    async def test(lane: Lane, shard: Shard) -> None:
        shard.held = True
        first = lane.submit([command("a")], LONG_MS)
        await settle()
        gone, stays = lane.submit([command("b")], LONG_MS), lane.submit([command("c")], LONG_MS)
        gone.cancel()
        first.cancel()
        shard.held = False
        shard.gates[0].set_result(None)
        assert names(await stays) == ["c"]
        assert shard.calls == [["a"], ["c"]]

    run(test)


def test_a_full_queue_refuses_at_once_and_recovers() -> None:
    async def test(lane: Lane, shard: Shard) -> None:
        shard.held = True
        waiting = [lane.submit([command("x")] * limits.TURN_COMMANDS_MAX, LONG_MS)]
        await settle()
        while lane.waiting + limits.TURN_COMMANDS_MAX <= limits.SHARD_QUEUE_MAX:
            waiting.append(lane.submit([command("x")] * limits.TURN_COMMANDS_MAX, LONG_MS))
        with pytest.raises(Refused) as caught:
            lane.submit([command("y")] * limits.TURN_COMMANDS_MAX, LONG_MS)
        assert caught.value.status == 503
        shard.held = False
        shard.gates[0].set_result(None)
        await asyncio.gather(*waiting)
        assert names(await lane.submit([command("z")], LONG_MS)) == ["z"]

    run(test)


def test_a_slow_read_holds_up_no_batch_and_slow_reads_are_bounded() -> None:
    async def test(lane: Lane, shard: Shard) -> None:
        shard.held = True
        slow = Command(PROFILE, b"k" * 16, "c", {"event_id": "slow"})
        reads = [lane.submit_alone(slow, LONG_MS) for _ in range(limits.GATEWAY_SLOW_READS_MAX)]
        await settle()
        with pytest.raises(Refused):
            lane.submit_alone(slow, LONG_MS)
        shard.held = False
        assert names(await lane.submit([command("a")], LONG_MS)) == ["a"]
        for gate in shard.gates:
            gate.set_result(None)
        assert [names(await read) for read in reads] == [["slow"]] * limits.GATEWAY_SLOW_READS_MAX
        assert names(await lane.submit_alone(slow, LONG_MS)) == ["slow"]

    run(test)


def test_a_shard_that_answers_too_few_fails_the_batch_instead_of_mixing_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def short(_: bytes, __: bool) -> bytes:
        return canonical.pack({"r": [[200, b""]], "t": {}})

    async def body() -> None:
        futures = [batching.Lane(short).submit([command("a"), command("b")], LONG_MS)]
        with pytest.raises(Refused) as caught:
            await futures[0]
        assert caught.value.status == 500

    asyncio.run(body())
