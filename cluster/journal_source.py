"""Journals as the tools read them: pages of rows, from a live server's call or from a stopped one's store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from actors.naming import shard_owner
from actors.shard.export import base_page, journal_page
from actors.shard.store import ShardStore
from actors.stores.interface import Store
from cluster.client import Kairos
from models import limits
from models.errors import BadInput, KairosError

_TIMEOUT_S = 60.0


class JournalSource(Protocol):
    """Pages as ``actors.shard.export`` makes them."""

    shards: int

    def rows(self, shard: int, after: int) -> dict[str, Any]:
        """``rows``, ``next``, ``last``, ``base``."""

    def base(self, shard: int, after: bytes) -> dict[str, Any]:
        """``profiles`` of a truncated journal's begin, ``next``."""


class LiveJournals:
    def __init__(self, url: str, key: str) -> None:
        self._client = Kairos(url, key, timeout_s=_TIMEOUT_S)
        self.shards = len(self._client.status().shards)

    def rows(self, shard: int, after: int) -> dict[str, Any]:
        return dict(self._client.journal(shard, after=after).data)

    def base(self, shard: int, after: bytes) -> dict[str, Any]:
        return dict(self._client.journal(shard, base_after=after).data)

    def close(self) -> None:
        self._client.close()


class StoredJournals:
    def __init__(self, store: Store) -> None:
        installation = store.read_installation()
        if installation is None:
            raise BadInput(f"{store.place} holds no installation; name another with --data-dir, or a server with --url")
        self.shards = installation.shards
        self._stores: dict[int, ShardStore] = {}
        for shard in range(self.shards):
            if not store.has_journal(shard_owner(shard)):
                raise KairosError(f"{store.place} lacks the journal of shard {shard}; restore it from a backup")
            self._stores[shard] = store.shard_store(shard)

    def rows(self, shard: int, after: int) -> dict[str, Any]:
        return journal_page(self._stores[shard], after, limits.JOURNAL_PAGE_ROWS_MAX)

    def base(self, shard: int, after: bytes) -> dict[str, Any]:
        return base_page(self._stores[shard], after, limits.JOURNAL_PAGE_ROWS_MAX)

    def close(self) -> None:
        for store in self._stores.values():
            store.close()


@contextmanager
def open_journals(store: Store, url: str | None, key: str) -> Iterator[JournalSource]:
    """A live server's journals when ``url`` is given, else what is stored. Raises ``KairosError``."""
    source = LiveJournals(url, key) if url is not None else StoredJournals(store)
    try:
        yield source
    finally:
        source.close()


def pages(source: JournalSource, shard: int) -> Iterator[dict[str, Any]]:
    """Every page of a shard's journal, oldest first."""
    after: int | None = 0
    while after is not None:
        page = source.rows(shard, after)
        yield page
        after = page["next"]


def base_profiles(source: JournalSource, shard: int) -> Iterator[tuple[bytes, int, bytes | None]]:
    """(customer, generation, packed profile or None where erased) at the begin of a truncated journal."""
    after: bytes | None = b""
    while after is not None:
        page = source.base(shard, after)
        yield from (tuple(entry) for entry in page["profiles"])
        after = page["next"]
