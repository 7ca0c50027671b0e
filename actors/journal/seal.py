"""Sealing: AES-256-GCM with a customer's key, bound to what is sealed, whose it is and which generation.

Source: NIST SP 800-38D; a random 96-bit nonce per message, which a customer's few thousand messages never repeat.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from models.errors import JournalFailed

#: What is sealed; a segment can never be read as a profile.
SEGMENT: Final = b"segment"
PROFILE: Final = b"profile"
_NONCE_BYTES: Final = 12


def new_key() -> bytes:
    return AESGCM.generate_key(bit_length=256)


def _bound(kind: bytes, customer: bytes, generation: int) -> bytes:
    return kind + customer + generation.to_bytes(8, "big")


def seal(key: bytes, kind: bytes, customer: bytes, generation: int, plain: bytes) -> bytes:
    [sealed] = seal_all(kind, [(key, customer, generation, plain)])
    return sealed


def seal_all(kind: bytes, parts: Sequence[tuple[bytes, bytes, int, bytes]]) -> list[bytes]:
    """Seal (key, customer, generation, plain) each for itself. Their nonces are drawn at once: a call of the system
    takes as long as the encryption of a segment."""
    drawn = os.urandom(_NONCE_BYTES * len(parts))
    sealed = []
    for place, (key, customer, generation, plain) in enumerate(parts):
        nonce = drawn[place * _NONCE_BYTES : (place + 1) * _NONCE_BYTES]
        sealed.append(nonce + AESGCM(key).encrypt(nonce, plain, _bound(kind, customer, generation)))
    return sealed


def unseal(key: bytes, kind: bytes, customer: bytes, generation: int, sealed: bytes) -> bytes:
    """Raises ``JournalFailed`` when the bytes are not what was sealed with this key for this customer."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound(kind, customer, generation))
    except (InvalidTag, ValueError) as error:
        what = f"a sealed {kind.decode()} of generation {generation}"
        raise JournalFailed(f"{what} does not open with its key; restore the key file or the journal") from error
