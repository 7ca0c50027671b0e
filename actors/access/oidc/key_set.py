"""The issuer's keys as last fetched, and how old they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import httpx
import structlog
from joserfc.jwk import Key

from actors.access.interface import IssuerAway, KeysWanted
from models import limits
from models.errors import KairosError

log = structlog.get_logger(__name__)
Fetch = Callable[[], Mapping[str, Key]]


class KeySet:
    """Belongs to one event loop; ``fetch`` runs on a thread, one at a time."""

    def __init__(self, fetch: Fetch, changed: Callable[[], None]) -> None:
        self._fetch = fetch
        self._changed = changed
        self._keys: Mapping[str, Key] = {}
        self._fetched_s = float("-inf")
        self._tried_s = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    def find(self, key_id: str | None) -> Key | None:
        """The key with that id; without an id, the only one."""
        if key_id is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(key_id)

    def age_s(self, now_s: float) -> float | None:
        """Since they were fetched; None before the first time."""
        return now_s - self._fetched_s if self._keys else None

    def may_ask(self, now_s: float) -> bool:
        """Whether the issuer may be asked (again) for a key that is not known."""
        return (now_s - self._tried_s) * limits.SECOND_MS >= limits.OIDC_KEYS_RETRY_MS

    def keep_fresh(self, now_s: float) -> None:
        """Begin to fetch keys that are old, and go on with them meanwhile. For those that are too old raises
        ``KeysWanted``, and ``IssuerAway`` just after they were asked for in vain."""
        age_ms = (now_s - self._fetched_s) * limits.SECOND_MS
        if age_ms > limits.OIDC_KEYS_STALE_MS_MAX:
            if self.may_ask(now_s):
                raise KeysWanted("the issuer's keys were fetched too long ago")
            raise IssuerAway("the issuer's keys could not be fetched")
        if age_ms > limits.OIDC_KEYS_FRESH_MS and self.may_ask(now_s):
            self._begin(now_s)

    async def learn(self, now_s: float) -> None:
        """Fetch, or wait for the fetch that runs."""
        await asyncio.wait([self._begin(now_s)])

    def _begin(self, now_s: float) -> asyncio.Task[None]:
        if self._fetching is None:
            self._tried_s = now_s
            self._fetching = asyncio.get_running_loop().create_task(self._run(now_s))
            self._fetching.add_done_callback(self._ended)
        return self._fetching

    def _ended(self, _: object) -> None:
        self._fetching = None

    async def _run(self, now_s: float) -> None:
        try:
            keys = await asyncio.to_thread(self._fetch)
        except (KairosError, httpx.HTTPError, OSError) as error:
            log.error("issuer_keys_not_fetched", error=f"{type(error).__name__}: {error}")
            return
        if set(keys) != set(self._keys):
            log.info("issuer_keys", count=len(keys))
        self._keys, self._fetched_s = keys, now_s
        self._changed()
