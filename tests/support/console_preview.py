"""The console on the fake API, to be looked at: ``python -m support.console_preview --port N``, below ``tests``."""

from __future__ import annotations

import argparse

import uvicorn
from starlette.types import Receive, Scope, Send

from cluster.console.app import ConsoleConfig, console_app
from support.console_api import FakeApi
from support.console_sessions import COOKIE, EVERYTHING, signed_in


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8600)
    parser.add_argument("--scope", action="append", help="instead of all of them")
    given = parser.parse_args()
    api = FakeApi()
    scopes = frozenset(given.scope or EVERYTHING)
    console = console_app(ConsoleConfig("http://api", transport=api.transport), signed_in(scopes))

    async def signed(scope: Scope, receive: Receive, send: Send) -> None:
        """Everybody who comes is signed in."""
        if scope["type"] == "http":
            scope = {**scope, "headers": [*scope["headers"], (b"cookie", f"kairos_console={COOKIE}".encode())]}
        await console(scope, receive, send)

    uvicorn.run(signed, host="127.0.0.1", port=given.port, log_level="warning")


if __name__ == "__main__":
    main()
