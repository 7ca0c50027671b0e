"""What every answer carries, and what a request that changes something must prove."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from cluster.console.problems import Problem, of_status

#: The field of a form, and the header of a script, that repeat the session's secret.
CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "x-csrf-token"
CONTENT_POLICY: Final = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
    "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
))
#: ``same-origin`` tells other hosts nothing either, but leaves a form its ``Origin``, which ``no-referrer`` turns into
#: "null" and so takes from us what the check below reads.
HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
}


def refused_origin(headers: Mapping[str, str], origins: Iterable[str] = ()) -> Problem | None:
    """Why a request that changes something is not from a page of ours; None when it is.

    ``origins``: further ones (``https://console.example``) under which a proxy shows the console."""
    origin = headers.get("origin", "")
    if origin in origins and origin:
        return None
    if origin:
        same = origin != "null" and urlsplit(origin).netloc == headers.get("host", "")
    else:
        same = headers.get("sec-fetch-site", "") == "same-origin"
    return None if same else of_status(403, "This was sent from a page that is not the console's, so nothing was done.")


def refused_token(expected: str, given: str) -> Problem | None:
    """Why a form is not one that this session was shown; None when it is."""
    if given and hmac.compare_digest(expected.encode(), given.encode()):
        return None
    return of_status(
        403, "The form does not belong to this session (it may be from before you signed in anew), so nothing was done."
    )
