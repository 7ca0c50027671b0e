"""Customers while a journal is read, when there are more than memory holds: the last used ones as they are, the others
packed in a file that nobody else sees and that goes with the process."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, MutableMapping

from models import limits
from models.profile import packing
from models.profile.state import Profile


class ProfileShelf(MutableMapping[bytes, Profile]):
    """Customer key -> profile. A profile that was put here comes back as itself or as an equal one, and changes made to
    it count once it is put here again. ``close`` it."""

    def __init__(self, hot: int = limits.HOT_PROFILES_DEFAULT) -> None:
        """``hot``: how many are held in memory."""
        self._most = hot
        self._hot: OrderedDict[bytes, Profile] = OrderedDict()
        # A name that is empty is a file without a name, which the system takes back by itself.
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.execute("PRAGMA journal_mode = OFF")
        self._file.execute("CREATE TABLE cold (customer BLOB PRIMARY KEY, packed BLOB NOT NULL) WITHOUT ROWID")

    def __getitem__(self, customer: bytes) -> Profile:
        profile = self._hot.get(customer)
        if profile is None:
            found = self._file.execute("SELECT packed FROM cold WHERE customer = ?", (customer,)).fetchone()
            if found is None:
                raise KeyError(customer)
            profile = packing.unpack(found[0])
            self._keep(customer, profile)
        else:
            self._hot.move_to_end(customer)
        return profile

    def __setitem__(self, customer: bytes, profile: Profile) -> None:
        self._keep(customer, profile)

    def __delitem__(self, customer: bytes) -> None:
        in_memory = self._hot.pop(customer, None) is not None
        in_file = self._file.execute("DELETE FROM cold WHERE customer = ?", (customer,)).rowcount > 0
        if not in_memory and not in_file:
            raise KeyError(customer)

    def __iter__(self) -> Iterator[bytes]:
        yield from list(self._hot)
        for (customer,) in self._file.execute("SELECT customer FROM cold"):
            if customer not in self._hot:
                yield customer

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def close(self) -> None:
        self._hot.clear()
        self._file.close()

    def _keep(self, customer: bytes, profile: Profile) -> None:
        self._hot[customer] = profile
        self._hot.move_to_end(customer)
        if len(self._hot) > self._most:
            oldest, put_away = self._hot.popitem(last=False)
            self._file.execute("INSERT OR REPLACE INTO cold VALUES (?, ?)", (oldest, packing.pack_fast(put_away)))
