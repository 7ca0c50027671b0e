"""The newest rows of a shard as they were appended, for whoever counts them: from memory, else from the journal.

A turn does nothing for it but an append to a deque: facts are kept as they were made, before sealing, by reference, in
as many bytes as a bound allows, and nothing else of the turn with them. What an erasure takes away is taken from here,
too, in the turn that logs it.

A page: ``rows``: ``[seq, clock, wires of adopted catalogs, segments]``, a segment being ``[customer, generation, packed
facts]`` or, where they are erased, ``[customer, generation, None, tags]``. ``last``: the newest row. ``base``: where a
truncated journal begins (``seq``, ``t``, ``catalog``), told when rows after it were asked for that are gone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from actors.journal.rows import TurnRow
from actors.shard.store import ShardStore
from models import limits
from models.canonical import pack, unpack
from models.turn.results import TurnResult
from models.turn.shard_facts import CatalogAdopted, to_wire

#: A customer, the generation, the packed facts (None: they are erased), what facts they are or were.
_Part = tuple[bytes, int, bytes | None, Sequence[int]]


class _Kept(NamedTuple):
    seq: int
    clock_ms: int
    catalogs: Sequence[CatalogAdopted]
    parts: Sequence[_Part]
    bytes: int


class Feed:
    """Belongs to one event loop."""

    def __init__(self, bytes_kept: int = limits.FEED_RING_BYTES) -> None:
        self._bytes_kept = bytes_kept
        self._rows: deque[_Kept] = deque()
        self._bytes = 0
        self._news = asyncio.Event()

    def append(self, result: TurnResult, seq: int, size: int) -> None:
        """A row is durable."""
        catalogs = [fact for fact in result.shard_facts if isinstance(fact, CatalogAdopted)]
        parts: list[_Part] = [
            (part.customer, part.generation, part.facts, part.public["k"]) for part in result.segments
        ]
        self._rows.append(_Kept(seq, result.now_ms, catalogs, parts, size))
        self._bytes += size
        while self._bytes > self._bytes_kept:
            self._bytes -= self._rows.popleft().bytes
        for part in result.segments:
            if "e" in part.public:
                self._erase(part.customer, part.generation)
        self._news.set()

    async def page(
        self, store: ShardStore, writer: Callable[..., Awaitable[Any]], last: int, after: int, limit: int, wait_ms: int
    ) -> bytes:
        """Rows with ``seq > after``; where there are none yet, those that come within ``wait_ms``. ``last``: the
        shard's newest row."""
        limit = max(1, min(limit, limits.FEED_PAGE_ROWS_MAX))
        if after >= last and wait_ms > 0:
            await self._wait(min(wait_ms, limits.FEED_WAIT_MS) / limits.SECOND_MS)
        last = max(last, self._rows[-1].seq if self._rows else 0)
        if after >= last:
            return pack({"rows": [], "last": last, "base": None})
        if self._rows and self._rows[0].seq <= after + 1:
            return pack({"rows": self._kept(after, limit), "last": last, "base": None})
        page = _Page(after, limit, last)
        while not page.is_done:
            await writer(page.read_some, store)
        return pack({"rows": page.rows, "last": last, "base": page.base})

    async def _wait(self, wait_s: float) -> None:
        self._news.clear()
        try:
            await asyncio.wait_for(self._news.wait(), wait_s)
        except TimeoutError:
            return

    def _kept(self, after: int, limit: int) -> list[Any]:
        first = after + 1 - self._rows[0].seq
        found, size = [], 0
        for row in islice(self._rows, first, first + limit):
            catalogs = [to_wire(fact) for fact in row.catalogs]
            found.append([row.seq, row.clock_ms, catalogs, [_told(*part) for part in row.parts]])
            size += row.bytes
            if size >= limits.FEED_PAGE_BYTES:
                break
        return found

    def _erase(self, customer: bytes, generation: int) -> None:
        for place, row in enumerate(self._rows):
            if any(part[0] == customer for part in row.parts):
                kept = [
                    (*part[:2], None, part[3]) if part[0] == customer and part[1] <= generation else part
                    for part in row.parts
                ]
                self._rows[place] = row._replace(parts=kept)


def _told(customer: bytes, generation: int, facts: bytes | None, tags: Sequence[int]) -> list[Any]:
    return [customer, generation, None, tags] if facts is None else [customer, generation, facts]


class _Page:
    """Rows out of the journal."""

    def __init__(self, after: int, limit: int, last: int) -> None:
        self._after, self._limit, self._last = after, limit, last
        self.rows: list[Any] = []
        self.base: dict[str, Any] | None = None
        self._bytes = 0
        self._is_end = False

    @property
    def is_done(self) -> bool:
        return self._is_end or len(self.rows) >= self._limit or self._bytes >= limits.FEED_PAGE_BYTES

    def read_some(self, store: ShardStore) -> None:
        """A few milliseconds' worth of rows. In the journal's thread."""
        if not self.rows:
            self._begin(store)
        before, segments = self._after, 0
        for row in store.journal.rows(self._after, min(limits.READ_ROWS, self._limit - len(self.rows))):
            if row.seq > self._last:
                break  # durable, and not true in memory yet
            turn, facts = store.plain(row)
            self.rows.append([row.seq, turn.now_ms, _catalogs(turn), [
                [part.customer, part.generation, plain] if plain is not None
                else [part.customer, part.generation, None, part.public["k"]]
                for part, plain in zip(turn.segments, facts, strict=True)
            ]])
            self._bytes += len(row.payload)
            self._after = row.seq
            segments += len(facts)
            if segments >= limits.READ_SEGMENTS or self._bytes >= limits.FEED_PAGE_BYTES:
                break
        self._is_end = self._after >= self._last or self._after == before

    def _begin(self, store: ShardStore) -> None:
        if self._after + 1 >= store.journal.oldest_seq() and self._after:
            return
        base = store.journal.base()
        if base is not None and base.seq >= self._after:
            self.base = {"seq": base.seq, "t": base.at_ms, "catalog": unpack(base.state)["catalog"]}
            self._after = base.seq


def _catalogs(turn: TurnRow) -> list[list[Any]]:
    return [wire for wire in turn.shard_facts if wire[0] == CatalogAdopted.TAG]
