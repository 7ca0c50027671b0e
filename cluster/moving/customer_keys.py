"""The keys of customers, opened where they lay, and wrapped anew for their next owner."""

from __future__ import annotations

from actors.stores.master_key import MasterKeyPlace
from actors.stores.wrapping import WrappingKeys
from cluster.moving.place import Source, Target
from cluster.moving.tables import WRAPPING_KEY, Row
from models.errors import JournalFailed


def stored_keys(source: Source, owner: str, master: MasterKeyPlace) -> WrappingKeys:
    """Those under which the keys of an owner's customers are stored. Makes none."""
    stored = {month: wrapped for page in source.pages(owner, WRAPPING_KEY) for month, wrapped in page}

    def store(month: int, _: bytes) -> bytes:
        raise JournalFailed(f"{owner} lacks its wrapping key of {month}; restore the keys from a backup")

    return WrappingKeys(owner, master, stored.get, store)


class Keys:
    """The wrapping keys of every owner, old and new. A customer's key leaves the one and enters the other."""

    def __init__(self, source: Source, target: Target, master: MasterKeyPlace) -> None:
        self._target = target
        self._master = master
        self._old = {owner: stored_keys(source, owner, master) for owner in source.owners()}
        self._new: dict[str, WrappingKeys] = {}
        self._made: dict[tuple[str, int], bytes] = {}

    def _of_new(self, owner: str) -> WrappingKeys:
        if owner not in self._new:
            def load(month: int) -> bytes | None:
                return self._made.get((owner, month))

            def store(month: int, wrapped: bytes) -> bytes:
                self._target.write(owner, WRAPPING_KEY, [(month, wrapped)])
                return self._made.setdefault((owner, month), wrapped)

            self._new[owner] = WrappingKeys(owner, self._master, load, store)
        return self._new[owner]

    def opened(self, owner: str, row: Row) -> bytes:
        customer, generation, month, wrapped = row
        return self._old[owner].unwrap(month, customer, generation, wrapped)

    def moved(self, old: str, new: str, row: Row) -> Row:
        customer, generation, month, _ = row
        (wrapped,) = self._of_new(new).wrap_all(month, [(customer, generation, self.opened(old, row))])
        return customer, generation, month, wrapped
