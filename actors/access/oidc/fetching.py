"""The issuer's keys over HTTP. Blocks: call it on a thread."""

from __future__ import annotations

import json
from typing import Any

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key

from actors.access.oidc.settings import OidcSettings, check_url
from models import limits
from models.errors import BadInput

_WELL_KNOWN = "/.well-known/openid-configuration"
_RSA_BITS_MIN = 2_048


def fetch_keys(settings: OidcSettings) -> dict[str, Key]:
    """The keys that may sign, by id. Raises ``BadInput`` for an answer that lists none, and ``httpx.HTTPError``."""
    wait_s = limits.OIDC_WAIT_MS / limits.SECOND_MS
    with httpx.Client(timeout=wait_s, follow_redirects=False, trust_env=False) as client:
        url = settings.jwks_url or _discover(client, settings.issuer)
        listed = _get(client, url).get("keys")
    if type(listed) is not list or len(listed) > limits.OIDC_KEYS_MAX:
        raise BadInput(f"{url} lists no keys, or more than {limits.OIDC_KEYS_MAX}")
    keys = [key for one in listed if (key := _usable(one)) is not None]
    if not keys:
        raise BadInput(f"{url} lists no key that can verify a signature")
    return {str(key.kid): key for key in keys}


def _discover(client: httpx.Client, issuer: str) -> str:
    url = issuer.rstrip("/") + _WELL_KNOWN
    found = _get(client, url)
    if found.get("issuer") != issuer:
        raise BadInput(f"{url} tells of another issuer; oidc_issuer must be as the issuer writes it")
    jwks_url = found.get("jwks_uri")
    if type(jwks_url) is not str:
        raise BadInput(f"{url} names no jwks_uri; set oidc_jwks_url")
    check_url("jwks_uri", jwks_url)
    return jwks_url


def _get(client: httpx.Client, url: str) -> dict[str, Any]:
    content = b""
    with client.stream("GET", url, headers={"accept": "application/json"}) as answer:
        if answer.status_code != httpx.codes.OK:
            raise BadInput(f"{url} answers {answer.status_code}")
        for part in answer.iter_bytes():
            content += part
            if len(content) > limits.OIDC_ANSWER_BYTES_MAX:
                raise BadInput(f"{url} answers more than {limits.OIDC_ANSWER_BYTES_MAX} bytes")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{url} does not answer JSON") from error
    if type(found) is not dict:
        raise BadInput(f"{url} does not answer a JSON object")
    return found


def _usable(listed: Any) -> Key | None:
    """A public key for signatures; None for one of another kind, which an issuer may list beside."""
    if type(listed) is not dict or listed.get("kty") not in ("RSA", "EC", "OKP") or listed.get("use", "sig") != "sig":
        return None
    try:
        key = import_key(listed)
        key.ensure_kid()
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if isinstance(key, RSAKey) and key.public_key.key_size < _RSA_BITS_MIN:
        return None
    return key if isinstance(key, RSAKey | ECKey | OKPKey) else None
