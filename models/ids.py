"""Who is meant: the customer key (a keyed hash), its slot and shard, and the opaque decision id.

A customer key is 16 bytes of HMAC-SHA256 over the customer id with the installation's secret. It is what
journals, indexes and decision ids carry in the clear, so that no file names a customer.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from models import limits

CUSTOMER_KEY_BYTES = 16
_DECISION_TAIL_BYTES = 9
_URLSAFE = bytes.maketrans(b"+/", b"-_")


def customer_key(secret: bytes, customer_id: str) -> bytes:
    return hmac.digest(secret, customer_id.encode(), hashlib.sha256)[:CUSTOMER_KEY_BYTES]


def slot_of(key: bytes) -> int:
    return int.from_bytes(key[:4], "big") % limits.SLOTS


def shard_of(key: bytes, shards: int) -> int:
    return slot_of(key) % shards


def decision_id(key: bytes, seed: bytes) -> str:
    """Opaque and sufficient: it names its customer's key (hence shard) and is unique by its seed."""
    tail = hashlib.blake2b(seed, digest_size=_DECISION_TAIL_BYTES).digest()
    return "d" + binascii.b2a_base64(key + tail, newline=False).rstrip(b"=").translate(_URLSAFE).decode()


def customer_key_of_decision(decision_id_text: str) -> bytes | None:
    """The customer key inside a decision id, or None when the text is no decision id."""
    length = CUSTOMER_KEY_BYTES + _DECISION_TAIL_BYTES
    if not decision_id_text.startswith("d") or len(decision_id_text) != 1 + (length * 8 + 5) // 6:
        return None
    try:
        raw = base64.urlsafe_b64decode(decision_id_text[1:] + "=" * (-(len(decision_id_text) - 1) % 4))
    except (binascii.Error, ValueError):
        return None
    return raw[:CUSTOMER_KEY_BYTES]
