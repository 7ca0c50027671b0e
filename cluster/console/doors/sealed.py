"""Links and sessions in the installation's store: sealed, off the event loop, and what they hold."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import structlog

from actors.sessions import LINK, SESSION, Vault
from cluster.console.problems import PageProblem, Problem
from cluster.console.session import Session
from models import limits
from models.canonical import pack, unpack
from models.errors import BadInput, KairosError

T = TypeVar("T")
log = structlog.get_logger(__name__)
_CSRF_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose key it is, as the API says."""

    key: str = field(repr=False)
    name: str
    tenant: str
    scopes: tuple[str, ...]
    #: When the key ends, milliseconds since 1970; None: never by itself.
    ends_ms: int | None

    def until(self, at_ms: int) -> int:
        """``at_ms``, or the end of the key before it."""
        return at_ms if self.ends_ms is None else min(at_ms, self.ends_ms)


class SealedSessions:
    """What the frame asks (``cluster.console.session.Sessions``), and what the doors do besides. Every call raises a
    ``PageProblem`` of 503 while the store does not answer."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def link(self, caller: Caller) -> tuple[str, int]:
        """A token that opens one session with the caller's key, and until when. Raises ``BadInput`` for a key that is
        too long to be kept."""
        expires_ms = caller.until(self._vault.now_ms() + limits.CONSOLE_LINK_MS)
        plain = [caller.key, caller.name, caller.tenant, list(caller.scopes), caller.ends_ms]
        return await self._kept(lambda: self._vault.put(LINK, caller.name, pack(plain), expires_ms)), expires_ms

    async def begin(self, token: str) -> tuple[str, Session] | None:
        """Open a link: the cookie of a new session, and the session. None when it was opened before, has expired or
        never was."""
        taken = await self._kept(lambda: self._vault.take(LINK, token))
        if taken is None:
            return None
        key, name, tenant, scopes, ends_ms = unpack(taken)
        expires_ms = Caller(key, name, tenant, tuple(scopes), ends_ms).until(
            self._vault.now_ms() + limits.CONSOLE_SESSION_MS
        )
        csrf = secrets.token_urlsafe(_CSRF_BYTES)
        plain = [key, name, tenant, scopes, csrf, expires_ms]
        cookie = await self._kept(lambda: self._vault.put(SESSION, name, pack(plain), expires_ms))
        return cookie, _session(plain)

    async def find(self, cookie: str) -> Session | None:
        found = await self._kept(lambda: self._vault.get(SESSION, cookie))
        return None if found is None else _session(unpack(found))

    async def end(self, cookie: str) -> None:
        await self._kept(lambda: self._vault.drop(cookie))

    def seconds_left(self, session: Session) -> int:
        return max(0, (session.expires_ms - self._vault.now_ms()) // limits.SECOND_MS)

    async def sweep_for_ever(self) -> None:
        """Remove what has expired, now and then, until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self._vault.sweep)
            except KairosError as error:
                log.warning("sessions_unswept", error=type(error).__name__, detail=str(error)[:500])
            await asyncio.sleep(limits.CONSOLE_SWEEP_MS / limits.SECOND_MS)

    @staticmethod
    async def _kept(work: Callable[[], T]) -> T:
        """On a thread: a store takes its time, and pages of others go on meanwhile."""
        try:
            return await asyncio.to_thread(work)
        except BadInput:
            raise
        except KairosError as error:
            log.warning("sessions_unreached", error=type(error).__name__, detail=str(error)[:500])
            raise PageProblem(Problem(
                503, "Nobody can be let in just now", "The store that knows who is signed in does not answer.",
                "This page tries again by itself. If it stays like this, look at `kairos doctor` on the server.",
                again=True,
            )) from error


def _session(plain: list[Any]) -> Session:
    key, name, tenant, scopes, csrf, expires_ms = plain
    return Session(key, name, tenant, frozenset(scopes), csrf, expires_ms)
