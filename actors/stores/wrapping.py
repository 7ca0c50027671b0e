"""What is wrapped by what: the master key wraps an installation's secret and a wrapping key per owner and month; the
wrapping key of the month in which a customer's key is made wraps that.

So a change of the master key wraps a few dozen keys anew, and not millions. A store keeps both kinds of wrapped keys
next to each other and the master key nowhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from actors.stores.master_key import MasterKeyPlace
from models import limits
from models.errors import JournalFailed

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
#: The context of the installation's secret.
SECRET: Final = b"kairos customer secret"
SECRET_BYTES: Final = 32


def month_of(at_ms: int) -> int:
    """The calendar month in UTC, as a number: 202611."""
    at = datetime.fromtimestamp(at_ms / limits.SECOND_MS, UTC)
    return at.year * 100 + at.month


def wrapping_context(owner: str, month: int) -> bytes:
    """What a wrapped wrapping key is bound to."""
    return f"kairos wrapping key {owner} {month}".encode()


def _bound(customer: bytes, generation: int) -> bytes:
    return generation.to_bytes(8, "big") + customer


class WrappingKeys:
    """The wrapping keys of one owner, unwrapped once per process.

    ``load(month)`` gives the wrapped key that is stored, or None; ``store(month, wrapped)`` durably adds one unless
    there is one, and gives the one that is there then.
    """

    def __init__(
        self, owner: str, master: MasterKeyPlace, load: Callable[[int], bytes | None],
        store: Callable[[int, bytes], bytes],
    ) -> None:
        self._owner = owner
        self._master = master
        self._load = load
        self._store = store
        self._ciphers: dict[int, AESGCM] = {}

    def wrap_all(self, month: int, keys: Sequence[tuple[bytes, int, bytes]]) -> list[bytes]:
        """(customer, generation, key) each -> what is stored. Makes the month's wrapping key at its first use."""
        cipher = self._cipher(month, makes=True)
        drawn = os.urandom(_NONCE_BYTES * len(keys))  # at once: a call of the system takes as long as an encryption
        wrapped = []
        for place, (customer, generation, key) in enumerate(keys):
            nonce = drawn[place * _NONCE_BYTES : (place + 1) * _NONCE_BYTES]
            wrapped.append(nonce + cipher.encrypt(nonce, key, _bound(customer, generation)))
        return wrapped

    def unwrap(self, month: int, customer: bytes, generation: int, wrapped: bytes) -> bytes:
        """Raises ``JournalFailed`` when it is damaged, ``MasterKeyFailed`` without the right master key."""
        cipher = self._cipher(month, makes=False)
        try:
            return cipher.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], _bound(customer, generation))
        except (InvalidTag, ValueError) as error:
            raise JournalFailed(f"a customer's key of {self._owner} is damaged; restore the keys") from error

    def _cipher(self, month: int, *, makes: bool) -> AESGCM:
        cipher = self._ciphers.get(month)
        if cipher is None:
            cipher = self._ciphers[month] = AESGCM(self._key(month, makes=makes))
        return cipher

    def _key(self, month: int, *, makes: bool) -> bytes:
        context = wrapping_context(self._owner, month)
        wrapped = self._load(month)
        if wrapped is None:
            if not makes:
                raise JournalFailed(f"{self._owner} lacks its wrapping key of {month}; restore the keys from a backup")
            wrapped = self._store(month, self._master.read().wrap(os.urandom(_KEY_BYTES), context))
        return self._master.read().unwrap(wrapped, context, f"the wrapping key of {self._owner} for {month}")
