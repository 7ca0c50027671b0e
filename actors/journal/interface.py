"""The journal of one owner (a shard or the coordinator): what any store must promise.

An append is one turn, atomic and durable before ``append`` returns, conditional on epoch and last sequence. All calls
are blocking and come from one thread. Implementations: ``sqlite`` here (embedded) and ``actors.postgresql.journal``;
both pass ``tests/contracts/journal``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class Row:
    """One turn as stored: ``payload`` is opaque to the store (see ``actors.journal.rows``)."""

    seq: int
    epoch: int
    batch_id: bytes
    payload: bytes
    #: The turn's clock, by which retention is judged; 0 when the owner gave none.
    at_ms: int = 0


class IndexEntry(NamedTuple):
    """An idempotency key that is older than the last checkpoint, pointing at the row that holds its answer."""

    customer: bytes
    #: ``<kind>:<id>``, hashed to 16 bytes.
    key: bytes
    seq: int
    #: Decision clock of the row; entries older than ``limits.IDEMPOTENCY_MS`` may be dropped.
    at_ms: int
    fingerprint: bytes
    #: Small msgpack value for answers that need no row (a state version).
    hint: bytes


@dataclass(frozen=True, slots=True)
class StoredProfile:
    customer: bytes
    #: Every fact of this customer with a sequence up to here is in ``sealed``.
    seq: int
    generation: int
    sealed: bytes
    #: Earliest timer of this customer (ms), 0 for none: the due index.
    due_ms: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Replay may begin after ``seq``; ``state`` is the owner's packed state at that sequence."""

    seq: int
    at_ms: int
    state: bytes


@dataclass(frozen=True, slots=True)
class Base:
    """Where a truncated journal begins: the owner's state and its customers' profiles as of ``seq``."""

    seq: int
    at_ms: int
    state: bytes
    #: Only the customers with facts in the rows that this truncation removes; earlier bases of others stay.
    profiles: Sequence[StoredProfile] = ()
    #: Customers that those rows erased.
    erased: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class FlushBatch:
    """What a checkpoint (or a passivation) writes in one transaction, under the fence. Cheapest in the order of the
    customers: neighbours share pages."""

    profiles: Sequence[StoredProfile] = ()
    keys: Sequence[IndexEntry] = ()
    #: Customer -> all rows since the last checkpoint that concern it, ascending: for timelines and audits.
    touched: Sequence[tuple[bytes, Sequence[int]]] = ()
    #: Customers without a profile any more: stored and base profile are deleted.
    erased: Sequence[bytes] = ()


class Journal(Protocol):
    #: Set by ``take_over``.
    epoch: int
    last_seq: int
    #: Look-ups cross a network: they are never made on an event loop.
    is_remote: bool

    @property
    def away_s(self) -> float:
        """Seconds that calls have waited for a store that was away."""

    def take_over(self, owner: str, incarnation: int = 0) -> int:
        """Fence every earlier owner and become the owner; returns the new epoch. Stores ``incarnation``; raises
        Superseded, and changes nothing, when a greater one is stored already."""

    def incarnation(self) -> int:
        """The greatest incarnation that ever took over; 0 before."""

    def newest_seq(self) -> int:
        """The sequence of the store's newest row at this moment, whoever wrote it: for a reader that follows."""

    def append(self, batch_id: bytes, payload: bytes, at_ms: int = 0) -> int:
        """Durably append one row as ``last_seq + 1``; returns its seq. Raises Fenced, DiskFull, JournalFailed.

        Repeating an append whose reply was lost, with the same batch id and from the same ``last_seq``, is recognised.
        """

    def confirm(self) -> None:
        """Confirm that the epoch is still mine, for a turn without anything to append. Raises Fenced."""

    def rows(self, after_seq: int, limit: int | None = None) -> Iterator[Row]:
        """Rows with ``seq > after_seq`` in order. Raises JournalFailed when a row is damaged or missing in between."""

    def row(self, seq: int) -> Row | None:
        """One row; None when it is truncated or not written yet."""

    def oldest_seq(self) -> int:
        """The sequence of the oldest row that is kept; 0 for an empty log."""

    def checkpoint(self, at_or_before: int | None = None) -> Checkpoint | None:
        """The newest complete checkpoint (with a sequence up to ``at_or_before``)."""

    def flush(self, batch: FlushBatch) -> None:
        """Write profiles and index entries. Idempotent; may be called many times before ``complete_checkpoint``, and is
        durable when that returns: until then the log itself says what is written here."""

    def complete_checkpoint(self, checkpoint: Checkpoint, keep_apart_ms: int = 0) -> None:
        """Store it, read it back and compare. Older checkpoints stay only where they are ``keep_apart_ms`` apart."""

    def load_profiles(self, customers: Iterable[bytes]) -> dict[bytes, StoredProfile]: ...

    def load_keys(self, keys: Iterable[tuple[bytes, bytes]]) -> dict[tuple[bytes, bytes], IndexEntry]:
        """Index entries by (customer, key)."""

    def drop_keys(self, before_ms: int, limit: int) -> int:
        """Forget index entries of the periods (``limits.KEY_PERIOD_MS``) that ended by ``before_ms``, at most
        ``limit``; returns how many."""

    def rows_of(self, customer: bytes, before_seq: int | None, limit: int, after_seq: int = 0) -> list[int]:
        """Sequences of the rows that concern a customer, newest first, as far as they are flushed."""

    def due(self, until_ms: int, limit: int) -> list[tuple[int, bytes]]:
        """(due_ms, customer) from stored profiles with ``0 < due_ms <= until_ms``, earliest first."""

    def truncate(self, below_seq: int, base: Base | None = None) -> int:
        """Delete rows with ``seq < below_seq``, which a checkpoint must cover; returns how many.

        ``base`` (whose ``seq`` is ``below_seq - 1``) is written in the same transaction.
        """

    def base(self) -> Base | None:
        """Where the truncated journal begins, without its profiles; None when nothing was truncated."""

    def base_profiles(self, customers: Iterable[bytes]) -> dict[bytes, StoredProfile]: ...

    def base_page(self, after_customer: bytes, limit: int) -> list[StoredProfile]:
        """Base profiles in the order of their customer keys, for tools."""

    def close(self) -> None: ...
