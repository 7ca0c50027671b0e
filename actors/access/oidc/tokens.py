"""One token: its signature, what it claims, and which caller that makes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key

from actors.access.oidc.settings import OidcSettings
from actors.access.record import ISSUED_PREFIX, KeyRecord, check_tenant, is_scope
from models import limits
from models.errors import BadInput
from models.ids import MAIN_TENANT

_LEEWAY_S: Final = limits.OIDC_LEEWAY_MS // limits.SECOND_MS
_NAME_CHARS: Final = 12
_SCOPES_MAX: Final = 200
_TIME_MAX_S: Final = 253_402_300_799  # the end of the year 9999


class BadToken(BadInput):
    """A token that does not count. Nothing of what it says stands in the reason."""


@dataclass(frozen=True, slots=True)
class Header:
    algorithm: str
    key_id: str | None


class Reader:
    def __init__(self, settings: OidcSettings) -> None:
        self._settings = settings
        self._registry = jws.JWSRegistry(algorithms=list(settings.algorithms))

    def header(self, token: bytes) -> Header:
        """What the token says of its signature, before anything is believed. Raises ``BadToken``."""
        if len(token) > limits.OIDC_TOKEN_BYTES_MAX:
            raise BadToken(f"the token is longer than {limits.OIDC_TOKEN_BYTES_MAX} bytes")
        try:
            found = jws.extract_compact(token, registry=self._registry).headers()
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise BadToken("the token is no JWT") from error
        algorithm, key_id = found.get("alg"), found.get("kid")
        if algorithm not in self._settings.algorithms:
            raise BadToken(f"tokens must be signed by {', '.join(self._settings.algorithms)}")
        if key_id is not None and type(key_id) is not str:
            raise BadToken("the token's key id is no text")
        return Header(algorithm, key_id)

    def caller(self, token: bytes, header: Header, key: Key, wall_s: float) -> KeyRecord:
        """Who shows the token. Raises ``BadToken``."""
        if key.alg not in (None, header.algorithm):
            raise BadToken("the issuer's key is for another algorithm")
        try:
            claims = jwt.decode(token, key, registry=self._registry).claims
            self._check(claims, int(wall_s))
        except (JoseError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise BadToken(f"the token does not count: {_reason(error)}") from error
        return self._record(claims)

    def _check(self, claims: Mapping[str, Any], now_s: int) -> None:
        jwt.JWTClaimsRegistry(
            now=now_s, leeway=_LEEWAY_S, iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": self._settings.audience}, exp={"essential": True},
            sub={"essential": True},
        ).validate(dict(claims))

    def _record(self, claims: Mapping[str, Any]) -> KeyRecord:
        settings = self._settings
        digest = hashlib.sha256(f"{settings.issuer}\0{claims['sub']}".encode()).hexdigest()
        tenant = MAIN_TENANT
        if settings.tenant_claim is not None:
            tenant = _tenant(settings.tenant_claim, claims.get(settings.tenant_claim))
        ends_ms = math.ceil(min(float(claims["exp"]), _TIME_MAX_S) + _LEEWAY_S) * limits.SECOND_MS
        name = ISSUED_PREFIX + digest[:_NAME_CHARS]
        return KeyRecord(name, digest, _scopes(claims.get(settings.scope_claim)), 0, ends_ms, settings.rate, tenant)


def _tenant(claim: str, value: Any) -> str:
    try:
        return check_tenant(value)
    except (BadInput, TypeError):
        raise BadToken(f"the claim {claim!r} names no tenant") from None


def _scopes(value: Any) -> tuple[str, ...]:
    """Those that Kairos knows; an issuer's others are for other services."""
    listed = value.split() if type(value) is str else value if type(value) is list else []
    return tuple(dict.fromkeys(one for one in listed[:_SCOPES_MAX] if type(one) is str and is_scope(one)))


def _reason(error: Exception) -> str:
    """The kind of what is wrong, and the claim where it is one."""
    claim = getattr(error, "claim", None)
    kind = getattr(error, "error", type(error).__name__)
    return f"{kind} ({claim})" if type(claim) is str and claim.isalpha() else str(kind)
