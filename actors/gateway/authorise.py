"""Who calls, and what for: keys of the installation or an issuer's tokens, scopes, expiry and the caller's rate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from actors.access.denials.log import DenialLog
from actors.access.interface import AccessStore, Issuer, IssuerAway
from actors.access.record import KeyRecord
from actors.access.ring import KeyRing, load
from actors.gateway.denied import ANY, ANY_DECIDE, Denied, denied, digest_prefix, require, unknown_caller
from actors.gateway.problems import retry_later
from actors.gateway.rates import Rates
from models import limits
from models.errors import KairosError

#: How often an unknown key may cause a look at the store of its own, where that costs no way over a network.
UNKNOWN_KEY_LOOK_S: Final = 0.1
_BEARER: Final = b"bearer "
_LOOK_S: Final = limits.KEYS_LOOK_MS / limits.SECOND_MS
_STALE_S: Final = limits.KEYS_STALE_MS_MAX / limits.SECOND_MS

log = structlog.get_logger(__name__)


class Authoriser:
    """``gateways``: how many share each caller's rate. ``issuer``: whose tokens count beside the keys."""

    def __init__(
        self, store: AccessStore, wall_s: Callable[[], float] = time.time, now_s: Callable[[], float] = time.monotonic,
        *, gateways: int = 1, issuer: Issuer | None = None, denials: DenialLog | None = None,
    ) -> None:
        self.denials = denials
        self._store = store
        self._issuer = issuer
        self._wall_s = wall_s
        self._now_s = now_s
        self._ring = KeyRing({})
        #: The store's marker when ``_ring`` was read.
        self._seen: object = object()
        self._rates = Rates(gateways)
        self._looked_s = float("-inf")
        #: Until when the keys that are known count, if the store says nothing more.
        self._known_until_s = float("-inf")
        self._is_unreadable = False
        self.refresh()

    def admit(self, authorization: bytes, scope: str) -> KeyRecord:
        """The record of the caller. Raises 401 without a live key, 403 without the scope, 429 over the rate, 503 when
        keys cannot be checked, and ``KeysWanted`` for a token that the issuer may have signed with a new key."""
        record = self.identify(authorization, scope)
        self.permit(record, scope)
        return record

    def identify(self, authorization: bytes, scope: str = ANY) -> KeyRecord:
        """The record of the caller, who asks for ``scope``. Raises as ``admit`` does, but for 403 and 429."""
        if authorization[:7].lower() != _BEARER:
            raise unknown_caller("send the header 'authorization: Bearer <key>'", "", scope)
        token = authorization[7:].strip()
        now_ms = int(self._wall_s() * 1_000)
        record = self._ring.verify(token, now_ms)
        if record is None or self._now_s() > self._known_until_s:
            return self._identify_slowly(token, now_ms, scope)
        return record

    def _identify_slowly(self, token: bytes, now_ms: int, scope: str) -> KeyRecord:
        """A token that is no known key, or a key at a time when the store has not answered for too long."""
        if self._issuer is not None and self._issuer.reads(token):
            try:
                issued = self._issuer.identify(token, self._wall_s(), self._now_s())
            except IssuerAway as error:
                raise retry_later(503, f"tokens cannot be checked: {error}") from error
            if isinstance(issued, KeyRecord):
                return issued
            raise unknown_caller(issued, digest_prefix(token), scope)
        self._look_again()
        if self._now_s() > self._known_until_s:
            raise retry_later(503, "keys cannot be checked: the store of keys does not answer")
        record = self._ring.verify(token, now_ms)
        if record is None:
            raise unknown_caller("the key is unknown, expired or revoked", self._name_of(token), scope)
        return record

    def _name_of(self, token: bytes) -> str:
        """Of a key that is dead, its name; of anything else the beginning of its hash."""
        dead = self._ring.find(token)
        return digest_prefix(token) if dead is None else dead.name

    def permit(self, record: KeyRecord, scope: str) -> None:
        """One call of a known caller. Raises 403 without the scope, 429 over the rate."""
        if scope == ANY_DECIDE:
            if not record.decides:
                require(record, "decide:<channel>")
        elif scope != ANY or not record.scopes:
            require(record, scope)
        if record.rate is not None:
            wait_s = self._rates.spend(record.name, record.rate, self._now_s())
            if wait_s > 0.0:
                said = f"over the rate of {record.rate:g} requests per second of this key"
                raise denied(429, said, record, scope, int(wait_s) + 1)

    def still_live(self, record: KeyRecord) -> bool:
        """Whether a caller that was admitted before has been neither revoked nor removed since, nor has expired."""
        now_ms = int(self._wall_s() * 1_000)
        if record.is_issued:
            return record.live(now_ms)
        return self._ring.live(record.digest, now_ms)

    async def admit_later(self, authorization: bytes, scope: str) -> KeyRecord:
        """After ``KeysWanted``: once the issuer was asked. Raises as ``admit`` does."""
        assert self._issuer is not None, "without an issuer nobody wants its keys"
        await self._issuer.learn(self._now_s())
        return self.admit(authorization, scope)

    def issuer_keys_age_s(self) -> float | None:
        """None without an issuer, or before its keys were fetched."""
        return None if self._issuer is None else self._issuer.keys_age_s(self._now_s())

    def deny(self, refusal: Denied, call: str, peer: str) -> None:
        """Put down who was refused what."""
        if self.denials is not None:
            self.denials.note(refusal.status, call, refusal.key, refusal.tenant, refusal.scope, peer)

    def _look_again(self) -> None:
        """An unknown key may have been created just now; but guesses must not make us read the disk each time."""
        now_s = self._now_s()
        if not self._store.is_remote and now_s - self._looked_s >= UNKNOWN_KEY_LOOK_S:
            self._looked_s = now_s
            self.refresh()

    def refresh(self) -> bool:
        """Read the keys again if they changed; True when they did. A store that is damaged or away leaves the keys as
        they were, for as long as they may be so."""
        now_s = self._now_s()
        try:
            marker = self._store.marker()
            changed = marker != self._seen
            if changed:
                self._ring = load(self._store)
        except (KairosError, OSError) as error:
            if not self._is_unreadable:
                log.error("keys_unreadable", error=str(error))
            self._is_unreadable = True
            return False
        self._seen, self._is_unreadable = marker, False
        self._known_until_s = now_s + _STALE_S
        return changed

    async def watch(self, looked: Callable[[], None]) -> None:
        """Run beside the requests: a created or revoked key counts within a second. ``looked`` is called each time."""
        denials = None if self.denials is None else asyncio.create_task(self.denials.run())
        try:
            while True:
                await asyncio.sleep(_LOOK_S)
                await asyncio.to_thread(self.refresh)
                looked()
        finally:
            if denials is not None:
                denials.cancel()
                await asyncio.wait([denials])
