"""The line to a replica of the ``Scorer`` deployment: found through Serve, then asked directly over a link.

Serve's router takes one to two milliseconds of CPU for a call, whatever it carries. So it is asked for an address
alone: at first, after a loss, and now and then, so that new replicas get their share and replaced ones are left.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import structlog

from actors.link.address import Address
from actors.link.client import Link
from actors.link.errors import LinkFailed, LinkGone
from actors.scoring.interface import ScorerGoneError
from actors.scoring.wire import METHOD, PING, PURPOSE
from models import limits

log = structlog.get_logger(__name__)
_WAIT_S = limits.CALL_WAIT_MS / limits.SECOND_MS


class ReplicaLine:
    def __init__(self, ask_address: Callable[[], Awaitable[Address]], link_key: bytes) -> None:
        """``ask_address``: of any replica; may raise anything."""
        self._ask_address = ask_address
        self._link_key = link_key
        self._address: Address | None = None
        self._link: Link | None = None
        #: The one before, until what was asked there has long been answered.
        self._former: Link | None = None

    async def find(self, first: Sequence[bytes] = ()) -> None:
        if self._former is not None:
            self._former.close()
            self._former = None
        try:
            address = await self._ask_address()
        except Exception as error:
            if self._link is None:
                raise
            # Whom we know may be there all the same: whoever asks next sees.
            log.debug("no scorer's address from Serve", error=type(error).__name__)
            return
        if address == self._address:
            return

        async def resolve() -> Address:
            return address

        link = Link(resolve, self._link_key, PURPOSE)
        await link.call(METHOD, PING, _WAIT_S)
        for request in first:
            with suppress(LinkFailed):  # it cannot load that one: whoever asks for it is told
                await link.call(METHOD, request, _WAIT_S)
        self._former, self._link, self._address = self._link, link, address

    async def call(self, request: bytes) -> bytes:
        if self._link is None:
            raise ScorerGoneError("no replica of the scorer has been found yet")
        try:
            return await self._link.call(METHOD, request, _WAIT_S)
        except LinkGone as error:
            raise ScorerGoneError(f"the replica at {self._address} is gone; another is looked for") from error

    def close(self) -> None:
        for link in (self._link, self._former):
            if link is not None:
                link.close()
