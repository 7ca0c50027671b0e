"""Journal and keys of one shard, as the shard uses them. Every call blocks; one thread at a time, see ``Writer``."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from actors.journal import seal
from actors.journal.interface import IndexEntry, Journal, Row, StoredProfile
from actors.journal.keyring import Keyring
from actors.journal.rows import RowSegment, TurnRow, pack_row, unpack_row
from models import canonical
from models.errors import InvariantBroken, JournalFailed, KairosError
from models.profile import facts
from models.turn.keys import KeyPair
from models.turn.receipts import Receipt
from models.turn.results import TurnResult
from models.turn.shard_facts import to_wire


@dataclass(frozen=True, slots=True)
class PlainProfile:
    """A stored profile, opened (``packed`` as ``models.profile.packing`` makes it), or one to be stored."""

    customer: bytes
    seq: int
    generation: int
    due_ms: int
    packed: bytes


@dataclass(frozen=True, slots=True)
class Loaded:
    profiles: dict[bytes, PlainProfile] = field(default_factory=dict)
    keys: dict[KeyPair, IndexEntry] = field(default_factory=dict)
    #: Of customers without a profile.
    receipts: dict[bytes, Receipt] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Appended:
    seq: int
    bytes: int


class ShardStore:
    def __init__(self, journal: Journal, keyring: Keyring) -> None:
        self.journal = journal
        self.keyring = keyring

    def load(
        self, customers: Sequence[bytes], pairs: Iterable[KeyPair] = (), erased: Sequence[bytes] = ()
    ) -> Loaded:
        """Profiles of customers that are stored, idempotency keys, and receipts of those without a profile that were
        ever erased; ``erased``: customers whose receipt alone is wanted."""
        stored = self.journal.load_profiles(customers) if customers else {}
        profiles = {p.customer: p for p in self.unseal_profiles(stored.values()) if p is not None}
        destroyed = self.keyring.destroyed([*erased, *(customer for customer in customers if customer not in profiles)])
        receipts = {customer: Receipt(customer, *ended) for customer, ended in destroyed.items()}
        return Loaded(profiles, self.journal.load_keys(pairs), receipts)

    def unseal_profiles(self, stored: Collection[StoredProfile]) -> list[PlainProfile | None]:
        """None where the key was destroyed. The store is asked for all keys at once."""
        self.keyring.keys((profile.customer, profile.generation) for profile in stored)
        return [self.unseal_profile(profile) for profile in stored]

    def unseal_profile(self, stored: StoredProfile) -> PlainProfile | None:
        """None when its key was destroyed."""
        key = self.keyring.key(stored.customer, stored.generation)
        if key is None:
            return None
        packed = seal.unseal(key, seal.PROFILE, stored.customer, stored.generation, stored.sealed)
        return PlainProfile(stored.customer, stored.seq, stored.generation, stored.due_ms, packed)

    def seal_profiles(self, profiles: Sequence[PlainProfile]) -> list[StoredProfile]:
        """What was erased in the meantime is left out."""
        keys = self.keyring.keys((p.customer, p.generation) for p in profiles)
        sealed = []
        for profile in profiles:
            key = keys.get((profile.customer, profile.generation))
            if key is not None:
                data = seal.seal(key, seal.PROFILE, profile.customer, profile.generation, profile.packed)
                stored = StoredProfile(profile.customer, profile.seq, profile.generation, data, profile.due_ms)
                sealed.append(stored)
        return sealed

    def commit(self, result: TurnResult) -> Appended:
        """Append a turn: keys first, then the row; what it erases is gone when this returns."""
        keys = self.keyring.make(((part.customer, part.generation) for part in result.segments), result.now_ms)
        plain = []
        for part in result.segments:
            key = keys[part.customer, part.generation]
            if key is None:
                raise InvariantBroken(f"a turn has facts for generation {part.generation}, which was erased")
            plain.append((key, part.customer, part.generation, part.facts))
        segments = [
            RowSegment(part.customer, part.generation, part.public, sealed)
            for part, sealed in zip(result.segments, seal.seal_all(seal.SEGMENT, plain), strict=True)
        ]
        shard_facts = [to_wire(fact) for fact in result.shard_facts]
        payload = pack_row(TurnRow(result.now_ms, result.turn_seed, shard_facts, segments))
        seq = self.journal.append(os.urandom(16), payload, result.now_ms)
        self._destroy_erased(segments, result.now_ms)
        return Appended(seq, len(payload))

    def _destroy_erased(self, segments: Iterable[RowSegment], at_ms: int) -> None:
        """Once an erasure is durable its keys go; a failure here ends the process, and recovery does it again."""
        erased = [(part.customer, part.generation) for part in segments if "e" in part.public]
        if erased:
            self._destroy(erased, at_ms)

    def _destroy(self, erased: Sequence[tuple[bytes, int]], at_ms: int) -> None:
        try:
            self.keyring.destroy(erased, at_ms)
        except KairosError as error:
            raise JournalFailed(f"an erasure is logged but its key could not be destroyed: {error}") from error

    def make_sure_erased(self, erased: Sequence[tuple[bytes, int, int]]) -> None:
        """(customer, generation, when) of erasures met in recovery: their keys go, if an earlier owner died before it
        destroyed them. As the owner."""
        ended = self.keyring.destroyed(list({customer for customer, _, _ in erased}))
        by_time: dict[int, list[tuple[bytes, int]]] = {}
        for customer, generation, at_ms in erased:
            # What is remembered as destroyed keeps its own time: those go together.
            known = customer in ended and ended[customer][0] >= generation
            by_time.setdefault(0 if known else at_ms, []).append((customer, generation))
        for at_ms, owners in by_time.items():
            self._destroy(owners, at_ms)

    def opened(self, row: Row, customer: bytes | None = None) -> tuple[TurnRow, list[list[Any] | None]]:
        """A row and, per segment, its fact wires: None where the key is destroyed (or it is not ``customer``'s)."""
        turn = unpack_row(row.payload)
        wanted = [customer in (None, part.customer) for part in turn.segments]
        parts = zip(turn.segments, wanted, strict=True)
        self.keyring.keys((part.customer, part.generation) for part, is_wanted in parts if is_wanted)
        return turn, [
            self.facts_of(part) if is_wanted else None for part, is_wanted in zip(turn.segments, wanted, strict=True)
        ]

    def plain(self, row: Row) -> tuple[TurnRow, list[bytes | None]]:
        """A row and, per segment, its packed facts: None where the key is destroyed."""
        turn = unpack_row(row.payload)
        self.keyring.keys((part.customer, part.generation) for part in turn.segments)
        return turn, [self.plain_of(part) for part in turn.segments]

    def past_reply(self, seq: int, customer: bytes, generation: int, request_id: str) -> bytes | None:
        """The logged answer to a decision request; None when its row or its key is gone."""
        row = self.journal.row(seq)
        if row is None:
            return None
        for part in unpack_row(row.payload).segments:
            if (part.customer, part.generation) == (customer, generation):
                for wire in self.facts_of(part) or ():
                    fact = facts.from_wire(wire)
                    if isinstance(fact, facts.Decided) and fact.request_id == request_id:
                        return fact.reply
        return None

    def facts_of(self, part: RowSegment) -> list[Any] | None:
        plain = self.plain_of(part)
        wires: list[Any] | None = None if plain is None else canonical.unpack(plain)
        return wires

    def plain_of(self, part: RowSegment) -> bytes | None:
        """The packed facts of a segment; None where the key is destroyed."""
        key = self.keyring.key(part.customer, part.generation)
        if key is None:
            return None
        return seal.unseal(key, seal.SEGMENT, part.customer, part.generation, part.sealed)

    def close(self) -> None:
        self.journal.close()
        self.keyring.close()
