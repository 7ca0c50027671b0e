"""The journal's contract over any simulated place that keeps tables. Its conditions are those of the SQL statements in
``ray-and-stores.md``; it passes the contract suite of ``tests/contracts/journal``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from actors.journal.interface import Base, Checkpoint, FlushBatch, IndexEntry, Row, StoredProfile
from actors.journal.keyring import FoundKeys, KeyOwner, StoredKey
from models import errors, limits
from models.errors import Fenced, JournalFailed
from simulated_cluster.tables import Operation, Tables

T = TypeVar("T")
#: What is worked out of the tables and done to them, as one transaction.
Change = Callable[[Tables], tuple[list[Operation], T]]


class Place(Protocol):
    """Where tables are: a disk or a server. Both calls raise ``JournalFailed`` when that cannot be used any more."""

    is_remote: bool

    def change(self, work: Change[T], *, soon: bool = False) -> T: ...

    def look(self, work: Callable[[Tables], T]) -> T: ...

    def close(self) -> None: ...


def _stored(profile: StoredProfile) -> tuple[Any, ...]:
    return profile.customer, profile.seq, profile.generation, profile.sealed, profile.due_ms


class SimulatedJournal:
    def __init__(self, place: Place) -> None:
        self._place = place
        self.epoch = 0
        self.last_seq = place.look(lambda tables: tables.last_seq)
        self.is_remote = place.is_remote

    def take_over(self, owner: str, incarnation: int = 0) -> int:
        def change(tables: Tables) -> tuple[list[Operation], tuple[int, int]]:
            if tables.incarnation > incarnation:
                raise errors.Superseded(f"incarnation {tables.incarnation} took the journal over after {incarnation}")
            return [("own", tables.epoch + 1, owner, incarnation)], (tables.epoch + 1, tables.last_seq)

        self.epoch, self.last_seq = self._place.change(change)
        return self.epoch

    def incarnation(self) -> int:
        return self._place.look(lambda tables: tables.incarnation)

    def newest_seq(self) -> int:
        return self._place.look(lambda tables: tables.last_seq)

    def append(self, batch_id: bytes, payload: bytes, at_ms: int = 0) -> int:
        if not self.epoch:
            raise Fenced("take the journal over before appending to it")
        seq, epoch = self.last_seq + 1, self.epoch

        def change(tables: Tables) -> tuple[list[Operation], bool]:
            if tables.epoch == epoch and tables.last_seq == seq - 1:
                return [("row", seq, epoch, batch_id, payload, at_ms)], True
            row = tables.log.get(seq)
            return [], tables.epoch == epoch and row is not None and (row.batch_id, row.epoch) == (batch_id, epoch)

        if not self._place.change(change):
            raise Fenced(f"row {seq} is not mine")
        self.last_seq = seq
        return seq

    def hold(self, tables: Tables) -> None:
        if tables.epoch != self.epoch or not self.epoch:
            raise Fenced(f"epoch {tables.epoch} owns the journal, mine is {self.epoch}")

    def confirm(self) -> None:
        self._place.look(self.hold)

    def rows(self, after_seq: int, limit: int | None = None) -> Iterator[Row]:
        def found(tables: Tables) -> list[Row]:
            seqs = sorted(seq for seq in tables.log if seq > after_seq)[:limit]
            if seqs and seqs[-1] - seqs[0] + 1 != len(seqs):
                raise JournalFailed("a row is missing")
            return [tables.log[seq] for seq in seqs]

        yield from self._place.look(found)

    def row(self, seq: int) -> Row | None:
        return self._place.look(lambda tables: tables.log.get(seq))

    def oldest_seq(self) -> int:
        return self._place.look(lambda tables: min(tables.log, default=0))

    def checkpoint(self, at_or_before: int | None = None) -> Checkpoint | None:
        bound = 2**62 if at_or_before is None else at_or_before
        return self._place.look(lambda tables: max(
            (one for one in tables.checkpoints.values() if one.seq <= bound), key=lambda one: one.seq, default=None
        ))

    def flush(self, batch: FlushBatch) -> None:
        operations: list[Operation] = [("forget", customer) for customer in batch.erased]
        operations += [("profile", *_stored(profile)) for profile in batch.profiles]
        operations += [("key", *entry) for entry in batch.keys]
        operations += [("touch", customer, list(seqs)) for customer, seqs in batch.touched]
        self._held(operations, soon=True)

    def _held(self, operations: list[Operation], *, soon: bool = False) -> None:
        def change(tables: Tables) -> tuple[list[Operation], None]:
            self.hold(tables)
            return operations, None

        self._place.change(change, soon=soon)

    def complete_checkpoint(self, checkpoint: Checkpoint, keep_apart_ms: int = 0) -> None:
        self._held([("checkpoint", checkpoint.seq, checkpoint.at_ms, checkpoint.state)])
        if self.checkpoint(checkpoint.seq) != checkpoint:
            raise JournalFailed(f"checkpoint {checkpoint.seq} does not read back as written")
        newest = self._place.look(lambda tables: sorted(tables.checkpoints.values(), key=lambda one: -one.seq))[:3]
        if len(newest) < 3 and keep_apart_ms:
            return
        apart = keep_apart_ms and newest[1].at_ms - newest[2].at_ms >= keep_apart_ms
        if len(newest) > 1 and not apart:
            self._held([("thin", newest[1].seq)])

    def load_profiles(self, customers: Iterable[bytes]) -> dict[bytes, StoredProfile]:
        wanted = list(customers)
        return self._place.look(lambda tables: {c: tables.profiles[c] for c in wanted if c in tables.profiles})

    def base_profiles(self, customers: Iterable[bytes]) -> dict[bytes, StoredProfile]:
        wanted = list(customers)
        return self._place.look(
            lambda tables: {c: tables.base_profiles[c] for c in wanted if c in tables.base_profiles}
        )

    def base_page(self, after_customer: bytes, limit: int) -> list[StoredProfile]:
        return self._place.look(
            lambda tables: [tables.base_profiles[c] for c in sorted(tables.base_profiles) if c > after_customer][:limit]
        )

    def load_keys(self, keys: Iterable[tuple[bytes, bytes]]) -> dict[tuple[bytes, bytes], IndexEntry]:
        wanted = set(keys)
        if not wanted:
            return {}
        return self._place.look(lambda tables: {
            (customer, key): tables.keys[period, customer, key]
            for period, customer, key in sorted(tables.keys) if (customer, key) in wanted
        })

    def drop_keys(self, before_ms: int, limit: int) -> int:
        kept = before_ms // limits.KEY_PERIOD_MS
        old = self._place.look(lambda tables: sorted(place for place in tables.keys if place[0] < kept)[:limit])
        if old:
            self._held([("drop", *place) for place in old], soon=True)
        return len(old)

    def rows_of(self, customer: bytes, before_seq: int | None, limit: int, after_seq: int = 0) -> list[int]:
        before = 2**62 if before_seq is None else before_seq

        def found(tables: Tables) -> list[int]:
            oldest = max(after_seq + 1, min(tables.log, default=0))
            seqs = {seq for part in tables.touched.get(customer, {}).values() for seq in part}
            return sorted((seq for seq in seqs if oldest <= seq < before), reverse=True)[:limit]

        return self._place.look(found)

    def due(self, until_ms: int, limit: int) -> list[tuple[int, bytes]]:
        return self._place.look(lambda tables: sorted(
            (one.due_ms, one.customer) for one in tables.profiles.values() if 0 < one.due_ms <= until_ms
        )[:limit])

    def truncate(self, below_seq: int, base: Base | None = None) -> int:
        covered = self.checkpoint()
        if covered is None or below_seq > covered.seq + 1:
            raise JournalFailed(f"no checkpoint covers the rows below {below_seq}; nothing deleted")

        def change(tables: Tables) -> tuple[list[Operation], int]:
            self.hold(tables)
            operations: list[Operation] = []
            if base is not None:
                operations.append(("rest", base.seq, base.at_ms, base.state))
                operations += [("rest_forget", customer) for customer in base.erased]
                operations += [("rest_profile", *_stored(profile)) for profile in base.profiles]
            old = [seq for seq in tables.checkpoints if seq < below_seq - 1 and seq < covered.seq]
            operations += [("thin", seq) for seq in old]
            return [*operations, ("cut", below_seq)], sum(1 for seq in tables.log if seq < below_seq)

        return self._place.change(change)

    def base(self) -> Base | None:
        return self._place.look(lambda tables: tables.base)

    def close(self) -> None:
        self._place.close()


class SimulatedKeyTable:
    """The customers' wrapped keys; see ``actors.journal.keyring.KeyTable``. ``journal``: whose owner alone may change
    them, where processes share them."""

    place = "simulated"

    def __init__(self, keeper: Place, journal: SimulatedJournal | None = None) -> None:
        self._keeper, self._journal = keeper, journal

    def find(self, owners: Sequence[KeyOwner]) -> FoundKeys:
        def found(tables: Tables) -> FoundKeys:
            stored = [tables.secrets[owner] for owner in owners if owner in tables.secrets]
            gone = [o for o in owners if o not in tables.secrets and tables.destroyed.get(o[0], (0, 0))[0] >= o[1]]
            return FoundKeys(stored, gone)

        return self._keeper.look(found)

    def _change(self, operations: Callable[[Tables], list[Operation]]) -> None:
        def change(tables: Tables) -> tuple[list[Operation], None]:
            if self._journal is not None:
                self._journal.hold(tables)
            return operations(tables), None

        self._keeper.change(change)

    def add(self, keys: Sequence[StoredKey]) -> None:
        self._change(lambda tables: [
            ("secret", key.customer, key.generation, key.month, key.wrapped)
            for key in keys if (key.customer, key.generation) not in tables.secrets
        ])

    def destroy(self, erased: Sequence[KeyOwner], at_ms: int) -> None:
        self._change(lambda _: [("destroy", customer, up_to, at_ms) for customer, up_to in erased])

    def destroyed(self, customers: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
        return self._keeper.look(lambda tables: {c: tables.destroyed[c] for c in customers if c in tables.destroyed})

    def wrapping_key(self, month: int) -> bytes | None:
        return self._keeper.look(lambda tables: tables.wrapping.get(month))

    def add_wrapping_key(self, month: int, wrapped: bytes) -> bytes:
        self._change(lambda tables: [] if month in tables.wrapping else [("wrap", month, wrapped)])
        found = self.wrapping_key(month)
        assert found is not None
        return found

    def close(self) -> None:
        self._keeper.close()
