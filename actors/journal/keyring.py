"""The customers' keys: erasing a customer is destroying its keys.

A key is durable before the first fact that it seals. What has been destroyed is remembered, so that a key that is
missing for any other reason is never mistaken for an erasure. The store holds keys wrapped (see
``actors.stores.wrapping``), memory holds those in use as they are. Called from the journal's thread alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from actors.journal import seal
from actors.stores.master_key import MasterKeyPlace
from actors.stores.wrapping import WrappingKeys, month_of
from models import limits
from models.errors import JournalFailed

#: A customer and a generation of it.
KeyOwner = tuple[bytes, int]


@dataclass(frozen=True, slots=True)
class StoredKey:
    customer: bytes
    generation: int
    #: When it was made: which wrapping key wraps it (see ``wrapping.month_of``).
    month: int
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class FoundKeys:
    stored: Sequence[StoredKey] = ()
    #: Of those asked for.
    destroyed: Sequence[KeyOwner] = field(default=())


class KeyTable(Protocol):
    """Where the wrapped keys of one owner (a shard) lie. Each change is durable when its call returns.

    Raises ``JournalFailed``, ``DiskFull``; a table that processes share raises ``Fenced`` where the caller no longer
    is the journal's owner, and changes nothing.
    """

    #: For messages.
    place: str

    def find(self, owners: Sequence[KeyOwner]) -> FoundKeys: ...

    def add(self, keys: Sequence[StoredKey]) -> None:
        """All of them are new."""

    def destroy(self, erased: Sequence[KeyOwner], at_ms: int) -> None:
        """Delete every key up to each generation, and remember the newest with its time. May be repeated."""

    def destroyed(self, customers: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
        """(newest destroyed generation, when) of those of these customers that were ever erased."""

    def wrapping_key(self, month: int) -> bytes | None: ...

    def add_wrapping_key(self, month: int, wrapped: bytes) -> bytes:
        """Unless there is one; returns the one that is there then."""

    def close(self) -> None: ...


class Keyring:
    def __init__(self, table: KeyTable, owner: str, master: MasterKeyPlace) -> None:
        self.table = table
        self._wrapping = WrappingKeys(owner, master, table.wrapping_key, table.add_wrapping_key)
        #: Least recently used first; None where the key is destroyed.
        self._known: OrderedDict[KeyOwner, bytes | None] = OrderedDict()

    def keys(self, owners: Iterable[KeyOwner]) -> dict[KeyOwner, bytes | None]:
        """Keys by (customer, generation): None for a destroyed one; never made ones are left out."""
        found: dict[KeyOwner, bytes | None] = {}
        wanted: list[KeyOwner] = []
        for owner in owners:
            if owner in self._known:
                self._known.move_to_end(owner)
                found[owner] = self._known[owner]
            else:
                wanted.append(owner)
        if wanted:
            looked = self.table.find(wanted)
            for one in looked.stored:
                owner = (one.customer, one.generation)
                found[owner] = self._remember(owner, self._wrapping.unwrap(one.month, *owner, one.wrapped))
            for owner in looked.destroyed:
                found[owner] = self._remember(owner, None)
        return found

    def key(self, customer: bytes, generation: int) -> bytes | None:
        """None when it was destroyed. Raises ``JournalFailed`` when it never was here."""
        owner = (customer, generation)
        found = self.keys([owner])
        if owner not in found:
            raise JournalFailed(f"{self.table.place}: a key of generation {generation} is missing; restore the keys")
        return found[owner]

    def make(self, owners: Iterable[KeyOwner], at_ms: int) -> dict[KeyOwner, bytes | None]:
        """The keys of these owners; those that are missing are made and durable when this returns (one commit), wrapped
        under the key of the month of ``at_ms``."""
        wanted = list(dict.fromkeys(owners))
        found = self.keys(wanted)
        missing = [owner for owner in wanted if owner not in found]
        if missing:
            month = month_of(at_ms)
            fresh = [(*owner, seal.new_key()) for owner in missing]
            wrapped = self._wrapping.wrap_all(month, fresh)
            self.table.add([
                StoredKey(*owner, month, stored) for owner, stored in zip(missing, wrapped, strict=True)
            ])
            for customer, generation, key in fresh:
                found[customer, generation] = self._remember((customer, generation), key)
        return found

    def destroy(self, erased: Iterable[KeyOwner], at_ms: int) -> None:
        """Destroy every key up to each generation, leaving no copy in the store. May be repeated. ``at_ms``: the clock
        of the erasure, remembered with the newest generation."""
        wanted = list(erased)
        self.table.destroy(wanted, at_ms)
        self.forget(wanted)

    def forget(self, erased: Iterable[KeyOwner]) -> None:
        """Drop from memory what another process has destroyed, or will."""
        for customer, up_to in erased:
            for generation in range(1, up_to + 1):
                self._remember((customer, generation), None)

    def destroyed(self, customers: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
        """(newest destroyed generation, when) of those of these customers that were ever erased."""
        return self.table.destroyed(customers) if customers else {}

    def _remember(self, owner: KeyOwner, secret: bytes | None) -> bytes | None:
        self._known[owner] = secret
        while len(self._known) > limits.KEYS_KNOWN_MAX:
            self._known.popitem(last=False)
        return secret

    def close(self) -> None:
        self.table.close()
