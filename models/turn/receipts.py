"""What remains of an erased customer: which key generation ended, when, and what the caller was told.

Not part of a shard's state, which would grow with everyone ever erased: the store remembers each destroyed generation,
and tells a turn about its customers that have no profile.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Final

_RECEIPT_BYTES: Final = 15


@dataclass(frozen=True, slots=True)
class Receipt:
    """Of a customer's last erasure; generation 0 for one that was never here."""

    customer: bytes
    generation: int
    at_ms: int

    @property
    def text(self) -> str:
        """The same for each repetition; it names nobody."""
        data = b"erased" + self.generation.to_bytes(8, "big")
        digest = hashlib.blake2b(data, key=self.customer, digest_size=_RECEIPT_BYTES)
        return "e" + base64.urlsafe_b64encode(digest.digest()).decode()
