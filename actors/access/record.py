"""One key as it is stored: its hash and what it may do, never its text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from models import limits
from models.errors import BadInput
from models.ids import MAIN_TENANT

EVERYTHING: Final = "*"
#: Before the name of who comes with a token of an issuer; no key may be named so.
ISSUED_PREFIX: Final = "oidc:"
#: Besides these: ``decide:<channel>`` and ``decide:*``.
SCOPES: Final = (
    "events:write", "outcomes:write", "intents:write", "profiles:read", "profiles:erase", "config:read",
    "config:write", "budgets:write", "audit:read", "history:write",
)
_ID_CHARS: Final = 12
_TENANT: Final = re.compile(rf"[a-z0-9](?:[a-z0-9_-]{{0,{limits.TENANT_CHARS_MAX - 1}}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One key as stored, or one caller with an issuer's token; times are wall milliseconds."""

    name: str
    #: SHA-256 of the key's text, hex; of an issuer's token, of issuer and subject.
    digest: str
    scopes: tuple[str, ...]
    created_ms: int
    #: None: never.
    expires_ms: int | None = None
    #: Requests per second over all gateways together; None: no limit.
    rate: float | None = None
    tenant: str = MAIN_TENANT
    revoked_ms: int | None = None
    #: The key's last characters, by which its holder knows it.
    tail: str = ""

    def live(self, now_ms: int) -> bool:
        return self.revoked_ms is None and (self.expires_ms is None or now_ms < self.expires_ms)

    def allows(self, scope: str) -> bool:
        """``scope`` itself, the wildcard of its kind (``decide:*``), or everything."""
        return scope in self.scopes or EVERYTHING in self.scopes or (
            scope.startswith("decide:") and "decide:*" in self.scopes
        )

    @property
    def decides(self) -> bool:
        """May decide in at least one channel."""
        return any(scope == EVERYTHING or scope.startswith("decide:") for scope in self.scopes)

    @property
    def key_id(self) -> str:
        """By which one of several keys of a name is told."""
        return self.digest[:_ID_CHARS]

    @property
    def is_issued(self) -> bool:
        """Of an issuer's token: it ends by its time alone."""
        return self.name.startswith(ISSUED_PREFIX)

    def to_plain(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Raises ``KeyError``, ``TypeError`` or ``ValueError`` for what ``to_plain`` never made."""
        record = cls(**{**plain, "scopes": tuple(plain["scopes"])})
        if len(bytes.fromhex(record.digest)) != 32 or type(record.name) is not str:
            raise ValueError("no digest of a key")
        return record


def check_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """The scopes without repetitions. Raises ``BadInput`` that names the unknown ones and lists the known."""
    asked = tuple(dict.fromkeys(scopes))
    unknown = [scope for scope in asked if not is_scope(scope)]
    if unknown or not asked:
        said = f"unknown scope {', '.join(map(repr, unknown))}" if unknown else "a key needs at least one scope"
        raise BadInput(f"{said}; known: {', '.join(SCOPES)}, decide:<channel>, decide:*, *")
    return asked


def is_scope(scope: str) -> bool:
    channel = scope.removeprefix("decide:")
    return scope in SCOPES or scope == EVERYTHING or (channel != scope and 0 < len(channel) <= limits.ID_CHARS_MAX)


def check_tenant(tenant: str) -> str:
    """The tenant as it was given. Raises ``BadInput`` for characters that a tenant's name does not have."""
    if _TENANT.fullmatch(tenant) is None:
        raise BadInput(
            f"a tenant's name has 1 to {limits.TENANT_CHARS_MAX} of a-z, 0-9, '-' and '_', and begins with a letter or "
            f"a digit; not {tenant[:100]!r}"
        )
    return tenant
