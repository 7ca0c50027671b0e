"""Every stored key by its digest: one reading of a store."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from actors.access.interface import AccessStore
from actors.access.record import KeyRecord


@dataclass(frozen=True, slots=True)
class KeyRing:
    by_digest: Mapping[bytes, KeyRecord]

    def find(self, key: bytes) -> KeyRecord | None:
        """The record of a key's text, dead or alive."""
        return self.by_digest.get(hashlib.sha256(key).digest())

    def verify(self, key: bytes, now_ms: int) -> KeyRecord | None:
        """The live record of a key's text, or None. Looked up by hash: no time depends on how much of a guess fits."""
        record = self.by_digest.get(hashlib.sha256(key).digest())
        return record if record is not None and record.live(now_ms) else None

    def live(self, digest: str, now_ms: int) -> bool:
        """Whether the key with this digest (hex) is known and may still be used."""
        record = self.by_digest.get(bytes.fromhex(digest))
        return record is not None and record.live(now_ms)

    def any_live(self, now_ms: int) -> bool:
        return any(record.live(now_ms) for record in self.by_digest.values())


def load(store: AccessStore) -> KeyRing:
    """All keys of an installation; none when there is no store yet."""
    return KeyRing({bytes.fromhex(record.digest): record for record in store.records()})
