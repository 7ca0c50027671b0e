"""Who is meant: the customer key (a keyed hash), its slot and shard, and the opaque decision id.

A customer key is 16 bytes: a tag of the tenant (5) and a hash of tenant and customer id (11), both HMAC-SHA256 with the
installation's secret. It is what journals, indexes and decision ids carry in the clear, so that no file names a
customer. Customers of two tenants never share a key, and whoever holds a key can say whose it is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from functools import lru_cache
from typing import Final

from models import limits

CUSTOMER_KEY_BYTES: Final = 16
TENANT_TAG_BYTES: Final = 5
#: Whose customers they are where nobody said otherwise.
MAIN_TENANT: Final = "main"
_DECISION_TAIL_BYTES = 9
_URLSAFE = bytes.maketrans(b"+/", b"-_")
#: What is hashed begins with its purpose, and a tenant with its length: no two things are ever the same bytes.
_TAG: Final = b"tenant\x00"
_CUSTOMER: Final = b"customer\x00"
_TENANTS_REMEMBERED: Final = 1_024


def customer_key(secret: bytes, tenant: str, customer_id: str) -> bytes:
    tag, label = _of_tenant(secret, tenant)
    digest = hmac.digest(secret, label + customer_id.encode(), hashlib.sha256)
    return tag + digest[: CUSTOMER_KEY_BYTES - TENANT_TAG_BYTES]


def tenant_tag(secret: bytes, tenant: str) -> bytes:
    """The first 5 bytes of every customer key of a tenant."""
    return _of_tenant(secret, tenant)[0]


@lru_cache(maxsize=_TENANTS_REMEMBERED)
def _of_tenant(secret: bytes, tenant: str) -> tuple[bytes, bytes]:
    """Its tag, and what stands before the id of each of its customers when that is hashed."""
    name = tenant.encode()
    tag = hmac.digest(secret, _TAG + name, hashlib.sha256)[:TENANT_TAG_BYTES]
    return tag, _CUSTOMER + len(name).to_bytes(4, "big") + name


def key_as_of_tenant(secret: bytes, tenant: str, key: bytes) -> bytes:
    """``key`` when it is one of this tenant's; else a key of this tenant that no customer has.

    What another tenant's decision names is thereby a customer who was never seen: looked for in the same place, by the
    same work, and answered in the same words.
    """
    return tenant_tag(secret, tenant) + key[TENANT_TAG_BYTES:]


def slot_of(key: bytes) -> int:
    """From the last bytes: those of the customer, so that every tenant's customers spread over all slots."""
    return int.from_bytes(key[-4:], "big") % limits.SLOTS


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
