"""How a browser holds its session: out of reach of scripts, sent to the console alone and by its own pages alone."""

from __future__ import annotations

from ipaddress import ip_address

from starlette.requests import Request
from starlette.responses import Response

from cluster.console.address import ROOT
from cluster.console.frame import COOKIE


def give_cookie(response: Response, request: Request, cookie: str, seconds: int) -> None:
    response.set_cookie(
        COOKIE, cookie, max_age=seconds, path=ROOT, httponly=True, samesite="strict",
        secure=not is_own_machine(request),
    )


def take_cookie(response: Response, request: Request) -> None:
    response.delete_cookie(COOKIE, path=ROOT, httponly=True, samesite="strict", secure=not is_own_machine(request))


def is_own_machine(request: Request) -> bool:
    """Whether the browser speaks plain HTTP with its own machine: then alone a cookie may do without TLS. Where TLS
    ends in front of us, whoever ends it says so by ``x-forwarded-proto``."""
    return request.headers.get("x-forwarded-proto", "http") == "http" and _is_loopback(request.url.hostname or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
