"""Refusals for want of a right: who was refused what is put down (see ``actors.access.denials``)."""

from __future__ import annotations

import hashlib
from typing import Final

from actors.access.record import KeyRecord
from actors.gateway.problems import RETRY_AFTER_S, Refused

#: A scope of a route that stands for "any decide scope"; the channel is checked once the body is read.
ANY_DECIDE: Final = "decide:"
#: A scope of a route that any live key may call.
ANY: Final = "any"
_CHALLENGE: Final = ((b"www-authenticate", b'Bearer realm="kairos"'),)
_PREFIX_CHARS: Final = 8


class Denied(Refused):
    """401, 403 or 429 of one caller. ``key``: its name, or the beginning of the hash of what was shown, or ""."""

    def __init__(
        self, status: int, detail: str, headers: tuple[tuple[bytes, bytes], ...], key: str, tenant: str, scope: str,
    ) -> None:
        super().__init__(status, detail, headers=headers)
        self.args = (status, detail, headers, key, tenant, scope)
        self.key = key
        self.tenant = tenant
        self.scope = scope


def denied(status: int, detail: str, record: KeyRecord, scope: str, after_s: int = RETRY_AFTER_S) -> Denied:
    """403 or 429 for a known caller; ``after_s`` goes with 429."""
    headers = ((b"retry-after", str(after_s).encode()),) if status == 429 else ()
    return Denied(status, detail, headers, record.name, record.tenant, scope)


def unknown_caller(detail: str, key: str, scope: str) -> Denied:
    """401 for somebody whom nobody knows (any more)."""
    return Denied(401, detail, _CHALLENGE, key, "", scope)


def require(record: KeyRecord, scope: str) -> None:
    """Raises 403 that names the scope which the key lacks."""
    if not record.allows(scope):
        raise denied(403, f"the key lacks the scope {scope[:200]}", record, scope)


def digest_prefix(token: bytes) -> str:
    """The beginning of a token's hash: tells the same from another, and nothing of the token itself."""
    return f"sha256:{hashlib.sha256(token).hexdigest()[:_PREFIX_CHARS]}"
