"""Which customers are in memory, and how: hot (unpacked), resident (packed), or in the store alone.

The bound is in bytes, not in customers. A customer whose newest facts are not stored yet is *dirty*: it leaves memory
only after a flush. Single-threaded; touched by the turn loop between turns.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from actors.shard.store import PlainProfile
from models.profile import packing, timers
from models.profile.state import Profile

#: What an entry costs beside its bytes, and how many times its compressed size an unpacked profile takes.
_ENTRY_BYTES: Final = 600
_HOT_FACTOR: Final = 12
#: Assumed packed size of a profile that was never packed.
_FIRST_PACKED_BYTES: Final = 300


@dataclass(slots=True)
class Entry:
    #: None when the customer is erased, or only packed.
    profile: Profile | None
    #: b"" when the hot profile is newer (or the customer is erased).
    packed: bytes
    #: Row of the newest fact, and up to which row the store has them.
    seq: int
    stored_seq: int
    generation: int
    due_ms: int
    erased: bool = False
    #: Compressed.
    packed_bytes: int = _FIRST_PACKED_BYTES

    @property
    def dirty(self) -> bool:
        return self.seq > self.stored_seq

    @property
    def bytes(self) -> int:
        return _ENTRY_BYTES + len(self.packed) + (self.packed_bytes * _HOT_FACTOR if self.profile else 0)


class Residency:
    def __init__(self, bytes_max: int, hot_max: int) -> None:
        self._bytes_max = bytes_max
        self._hot_max = hot_max
        #: Least recently used first, both.
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
        self._hot: OrderedDict[bytes, None] = OrderedDict()
        self._dirty: dict[bytes, None] = {}
        #: How many of the entries are of erased customers.
        self._gone = 0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def hot(self) -> int:
        return len(self._hot)

    @property
    def living(self) -> int:
        """How many customers who are there are in memory."""
        return len(self._entries) - self._gone

    @property
    def over(self) -> bool:
        return self.bytes > self._bytes_max

    def get(self, customer: bytes) -> Entry | None:
        return self._entries.get(customer)

    def customers(self) -> list[bytes]:
        """Everybody in memory, the most recently used first."""
        return list(reversed(self._entries))

    def peek(self, customer: bytes) -> Profile | None:
        """A customer who is in memory, for a look from beside the turns: it changes nothing here."""
        entry = self._entries.get(customer)
        if entry is None or entry.erased:
            return None
        if entry.profile is not None:
            return entry.profile
        profile = packing.unpack(entry.packed)
        profile.generation = entry.generation
        return profile

    def missing(self, customers: Iterable[bytes]) -> list[bytes]:
        """Customers about whom only the store knows."""
        return [customer for customer in customers if customer not in self._entries]

    def erased(self, customers: Iterable[bytes]) -> list[bytes]:
        """Those that were erased so lately that the store's profile has not gone yet."""
        find = self._entries.get
        return [customer for customer in customers if (entry := find(customer)) is not None and entry.erased]

    def admit(self, stored: PlainProfile) -> None:
        """Take in what the store had."""
        entry = Entry(None, stored.packed, stored.seq, stored.seq, stored.generation, stored.due_ms)
        entry.packed_bytes = packing.compressed_bytes(stored.packed)
        self._put(stored.customer, entry)

    def take(self, customers: Iterable[bytes]) -> dict[bytes, Profile | None]:
        """The profiles of a turn, unpacked; None for a customer without one."""
        return {customer: self._heat(customer) for customer in customers}

    def _heat(self, customer: bytes) -> Profile | None:
        entry = self._entries.get(customer)
        if entry is None:
            return None
        self._entries.move_to_end(customer)
        if entry.erased:
            return None
        if entry.profile is None:
            self.bytes -= entry.bytes
            entry.profile = packing.unpack(entry.packed)
            entry.profile.generation = entry.generation
            self.bytes += entry.bytes
        self._hot[customer] = None
        self._hot.move_to_end(customer)
        return entry.profile

    def settle(self, customer: bytes, profile: Profile | None, seq: int) -> Entry:
        """A turn is durable under ``seq``: this is the customer now (None: erased)."""
        entry = self._entries.get(customer)
        if entry is None:
            entry = Entry(None, b"", seq, 0, 0, 0)
            self._put(customer, entry)
        before = entry.bytes
        self._gone += (profile is None) - entry.erased
        entry.profile, entry.packed, entry.seq, entry.erased = profile, b"", seq, profile is None
        self.bytes += entry.bytes - before
        self._entries.move_to_end(customer)
        self._dirty[customer] = None
        if profile is None:
            entry.generation = entry.due_ms = 0
            self._hot.pop(customer, None)
        else:
            entry.generation, entry.due_ms = profile.generation, timers.next_due(profile)
            self._hot[customer] = None
            self._hot.move_to_end(customer)
        return entry

    def _put(self, customer: bytes, entry: Entry) -> None:
        old = self._entries.get(customer)
        if old is not None:
            self._gone -= old.erased
        self._gone += entry.erased
        self.bytes += entry.bytes - (old.bytes if old else 0)
        self._entries[customer] = entry
        self._entries.move_to_end(customer)

    def dirty(self) -> list[bytes]:
        return list(self._dirty)

    def to_flush(self, customers: Iterable[bytes]) -> tuple[list[PlainProfile], list[tuple[bytes, int]]]:
        """What to write for those of them that are dirty: profiles, and (customer, seq) of erased ones."""
        profiles, erased = [], []
        for customer in customers:
            entry = self._entries.get(customer)
            if entry is None or not entry.dirty:
                continue
            if entry.erased:
                erased.append((customer, entry.seq))
            else:
                packed = self._pack(entry)
                profiles.append(PlainProfile(customer, entry.seq, entry.generation, entry.due_ms, packed))
        return profiles, erased

    def flushed(self, profiles: Iterable[PlainProfile], erased: Iterable[tuple[bytes, int]]) -> None:
        """These are stored now; whoever changed in the meantime stays dirty."""
        for profile in profiles:
            entry = self._entries[profile.customer]
            entry.stored_seq = max(entry.stored_seq, profile.seq)
            if not entry.dirty:
                self._dirty.pop(profile.customer, None)
        for customer, seq in erased:
            entry = self._entries[customer]
            entry.stored_seq = max(entry.stored_seq, seq)
            if not entry.dirty:
                self._dirty.pop(customer, None)
                self._drop(customer)

    def stored_until(self, seq: int) -> None:
        """Somebody else has stored every fact of the rows up to ``seq``."""
        for customer in list(self._dirty):
            entry = self._entries[customer]
            if entry.seq <= seq:
                entry.stored_seq = max(entry.stored_seq, entry.seq)
                self._dirty.pop(customer)
                if entry.erased:
                    self._drop(customer)

    def stored_elsewhere(self, stored: Mapping[bytes, int]) -> bool:
        """By customer, up to which row somebody else has stored its facts: who is stored as it is here, or newer,
        leaves memory. True when that freed any."""
        freed = False
        for customer, seq in stored.items():
            entry = self._entries.get(customer)
            if entry is not None and entry.dirty and not entry.erased and seq >= entry.seq:
                self._dirty.pop(customer)
                self._drop(customer)
                freed = True
        return freed

    def shrink(self, flush_max: int) -> list[bytes]:
        """Move towards the bounds without writing: pack what is no longer hot, drop what is stored. Returns the least
        recently used dirty customers (at most ``flush_max``) that must be flushed before more can leave."""
        while len(self._hot) > self._hot_max:
            self._cool(next(iter(self._hot)))
        waiting: list[bytes] = []
        leaving: list[bytes] = []
        over = self.bytes - self._bytes_max
        for customer, entry in self._entries.items():
            if over <= 0:
                break
            if not entry.dirty:
                over -= entry.bytes
                leaving.append(customer)
            elif len(waiting) < flush_max:
                waiting.append(customer)
        for customer in leaving:
            self._drop(customer)
        if not self.over:
            return []
        for customer in waiting:
            self._cool(customer)
        return waiting

    def _pack(self, entry: Entry) -> bytes:
        if entry.profile is None or entry.packed:
            return entry.packed
        self.bytes -= entry.bytes
        entry.packed = packing.pack_fast(entry.profile)
        entry.packed_bytes = packing.compressed_bytes(entry.packed)
        self.bytes += entry.bytes
        return entry.packed

    def _cool(self, customer: bytes) -> None:
        self._hot.pop(customer, None)
        entry = self._entries[customer]
        if entry.profile is not None:
            packed = packing.compress(self._pack(entry))
            self.bytes -= entry.bytes
            entry.profile, entry.packed, entry.packed_bytes = None, packed, len(packed)
            self.bytes += entry.bytes

    def _drop(self, customer: bytes) -> None:
        self._hot.pop(customer, None)
        entry = self._entries.pop(customer)
        self._gone -= entry.erased
        self.bytes -= entry.bytes
