"""Five bugs to be planted in the product (and in the simulated store), which the simulator must find: each a
replacement of a few lines in the source of one function, undone at the end. The product knows nothing of them."""

from __future__ import annotations

import asyncio
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from actors.journal.interface import FlushBatch, IndexEntry
from actors.shard.store import ShardStore
from actors.shard.sync import Sync
from actors.shard.turning import TurnRunner
from models.errors import DiskFull
from models.turn.shard_facts import Granted
from simulated_cluster.journal import SimulatedJournal


@dataclass(frozen=True)
class Bug:
    #: What is wrong.
    says: str
    owner: type[Any] | None = None
    function: str = ""
    #: Stands once in the function's source, and what stands there instead.
    old: str = ""
    new: str = ""
    #: Within so many seeds, from 0, the simulator finds it.
    seeds: int = 0

    @contextmanager
    def planted(self) -> Iterator[None]:
        if self.owner is None:
            yield
            return
        sound = getattr(self.owner, self.function)
        source = textwrap.dedent(inspect.getsource(sound))
        assert source.count(self.old) == 1, f"{self.says}: {self.old!r} stands {source.count(self.old)} times"
        names: dict[str, Any] = {}
        scope = {**sound.__globals__, "log_later": log_later, "keys_apart": keys_apart}
        exec(compile("from __future__ import annotations\n" + source.replace(self.old, self.new), "planted", "exec"),
             scope, names)
        setattr(self.owner, self.function, names[self.function])
        try:
            yield
        finally:
            setattr(self.owner, self.function, sound)


def keys_apart(store: ShardStore, result: Any, seq: int) -> None:
    """Idempotency keys in a transaction of their own, after that of the row."""
    keys = [
        IndexEntry(part.customer, key, seq, result.now_ms, fingerprint, hint)
        for part in result.segments for key, fingerprint, hint in part.public["i"]
    ]
    store.journal.flush(FlushBatch(keys=keys))


async def log_later(sync: Sync, facts: list[Any]) -> None:
    """Grants are free to be used at once, and reach the log a little later."""
    for fact in facts:
        if isinstance(fact, Granted):
            sync._parts.core.state.apply_shard_fact(fact)

    async def log() -> None:
        try:
            await sync._loop.at_boundary(lambda: sync._runner.adopt(facts))
        except DiskFull:
            return

    loop = asyncio.get_running_loop()
    if all(isinstance(fact, Granted) for fact in facts):
        loop.call_later(0.4, lambda: loop.create_task(log()))
    else:
        await sync._runner.adopt(facts)


PLANTED: Final = {
    "": Bug("nothing"),
    "fence": Bug(
        "the fence is removed: who lost the epoch still appends", SimulatedJournal, "append",
        "if tables.epoch == epoch and tables.last_seq == seq - 1:", "if tables.last_seq == seq - 1:", seeds=150,
    ),
    "reply": Bug(
        "a turn is answered before it is committed", TurnRunner, "_finish",
        "    try:\n        if result.is_empty:\n",
        "    for pending, reply in zip(live, result.replies, strict=True):\n"
        "        if not isinstance(reply, Wait | AnswerAt):\n            pending.answer(reply)\n"
        "    try:\n        if result.is_empty:\n", seeds=150,
    ),
    "key": Bug(
        "idempotency keys are not in the transaction of their row", ShardStore, "commit",
        """RowSegment(part.customer, part.generation, part.public, sealed)
        for part, sealed in zip(result.segments, seal.seal_all(seal.SEGMENT, plain), strict=True)
    ]
    shard_facts = [to_wire(fact) for fact in result.shard_facts]
    payload = pack_row(TurnRow(result.now_ms, result.turn_seed, shard_facts, segments))
    seq = self.journal.append(os.urandom(16), payload, result.now_ms)
""",
        """RowSegment(part.customer, part.generation, {**part.public, "i": []}, sealed)
        for part, sealed in zip(result.segments, seal.seal_all(seal.SEGMENT, plain), strict=True)
    ]
    shard_facts = [to_wire(fact) for fact in result.shard_facts]
    payload = pack_row(TurnRow(result.now_ms, result.turn_seed, shard_facts, segments))
    seq = self.journal.append(os.urandom(16), payload, result.now_ms)
    keys_apart(self, result, seq)
""", seeds=150,
    ),
    "grant": Bug(
        "a grant is used before it is logged", Sync, "follow",
        "await self._runner.adopt(facts)", "await log_later(self, facts)", seeds=150,
    ),
    "draft": Bug(
        "a turn is built on the drafts of one that failed to append", TurnRunner, "_finish",
        '        log.error("disk_full"',
        "        for customer, profile in result.profiles.items():\n"
        "            parts.residency.settle(customer, profile, parts.core.state.seq)\n"
        '        log.error("disk_full"', seeds=150,
    ),
}
