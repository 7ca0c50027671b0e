"""Whose tokens count, and what they must say."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self
from urllib.parse import urlsplit

from models.errors import BadInput

DEFAULT_ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
#: Signatures by a private key that only the issuer has; never "none", never one by a shared secret.
ALGORITHMS: Final = (*DEFAULT_ALGORITHMS, "RS384", "RS512", "PS256", "PS384", "PS512", "ES384", "ES512", "Ed25519")


@dataclass(frozen=True, slots=True)
class OidcSettings:
    issuer: str
    audience: str
    #: None: as the issuer's discovery document says.
    jwks_url: str | None = None
    algorithms: tuple[str, ...] = DEFAULT_ALGORITHMS
    #: The claim that names the tenant; None: all are of the tenant "main".
    tenant_claim: str | None = None
    scope_claim: str = "scope"
    #: Requests per second of each subject; None: no limit.
    rate: float | None = None

    def __post_init__(self) -> None:
        check_url("oidc_issuer", self.issuer)
        if self.jwks_url is not None:
            check_url("oidc_jwks_url", self.jwks_url)
        if not self.audience:
            raise BadInput("oidc_audience is missing: tokens meant for other services would count here")
        unknown = [name for name in self.algorithms if name not in ALGORITHMS]
        if unknown or not self.algorithms:
            raise BadInput(f"oidc_algorithms: {', '.join(unknown) or 'none given'}; known: {', '.join(ALGORITHMS)}")

    def to_plain(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        return cls(**{**plain, "algorithms": tuple(plain["algorithms"])})


def check_url(name: str, url: str) -> None:
    """Raises ``BadInput`` unless it is https, or http to this machine."""
    parts = urlsplit(url)
    if not parts.hostname or parts.username or not (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    ):
        raise BadInput(f"{name}: give an https:// URL (http:// only to this machine), not {url[:200]!r}")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine by its very name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
