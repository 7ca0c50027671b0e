"""Who calls, and what for: keys from the data directory, scopes, expiry and the caller's rate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from actors.access import KEYS_FILE, KeyRecord, KeyRing, load
from actors.gateway.problems import Refused, retry_later
from models.errors import BadInput

#: A scope of a route that stands for "any decide scope"; the channel is checked once the body is read.
ANY_DECIDE: Final = "decide:"
#: A scope of a route that any live key may call.
ANY: Final = "any"
#: How often the key file is looked at for changes, and how often an unknown key may cause a look of its own.
WATCH_S: Final = 0.5
UNKNOWN_KEY_LOOK_S: Final = 0.1
_BEARER: Final = b"bearer "
_CHALLENGE: Final = ((b"www-authenticate", b'Bearer realm="kairos"'),)

log = structlog.get_logger(__name__)


class Bucket:
    """A token bucket of one second's worth of requests (at least one)."""

    def __init__(self, rate: float, now_s: float) -> None:
        self.rate = rate
        self._full = max(1.0, rate)
        self._tokens = self._full
        self._at_s = now_s

    def take(self, now_s: float) -> float:
        """0.0 when a request may pass, else the seconds until one may."""
        self._tokens = min(self._full, self._tokens + (now_s - self._at_s) * self.rate)
        self._at_s = now_s
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self.rate


class Authoriser:
    def __init__(
        self, data_dir: Path, wall_s: Callable[[], float] = time.time, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._data_dir = data_dir
        self._wall_s = wall_s
        self._now_s = now_s
        self._ring = KeyRing({})
        #: (modification time, size, inode) of the file that ``_ring`` was read from.
        self._seen: tuple[int, int, int] | None = None
        self._buckets: dict[str, Bucket] = {}
        self._looked_s = float("-inf")
        self.refresh()

    def admit(self, authorization: bytes, scope: str) -> KeyRecord:
        """The record of the caller's key. Raises 401 without a live key, 403 without the scope, 429 over the rate."""
        record = self.identify(authorization)
        self.permit(record, scope)
        return record

    def identify(self, authorization: bytes) -> KeyRecord:
        """The record of the caller's key. Raises 401 without a live key."""
        if authorization[:7].lower() != _BEARER:
            raise Refused(401, "send the header 'authorization: Bearer <key>'", headers=_CHALLENGE)
        token = authorization[7:].strip()
        now_ms = int(self._wall_s() * 1_000)
        record = self._ring.verify(token, now_ms)
        if record is None and self._look_again():
            record = self._ring.verify(token, now_ms)
        if record is None:
            raise Refused(401, "the key is unknown, expired or revoked", headers=_CHALLENGE)
        return record

    def permit(self, record: KeyRecord, scope: str) -> None:
        """One call of a known caller. Raises 403 without the scope, 429 over the rate."""
        if scope == ANY_DECIDE:
            if not record.decides:
                raise _missing("decide:<channel>")
        elif scope != ANY:
            require(record, scope)
        if record.rate is not None:
            self._spend(record, record.rate)

    def still_live(self, record: KeyRecord) -> bool:
        """Whether a key that was admitted before has been neither revoked nor removed since, nor has expired."""
        return self._ring.live(record.digest, int(self._wall_s() * 1_000))

    def _spend(self, record: KeyRecord, rate: float) -> None:
        now_s = self._now_s()
        bucket = self._buckets.get(record.digest)
        if bucket is None or bucket.rate != rate:
            bucket = self._buckets[record.digest] = Bucket(rate, now_s)
        wait_s = bucket.take(now_s)
        if wait_s > 0.0:
            raise retry_later(429, f"over the rate of {rate:g} requests per second of this key", int(wait_s) + 1)

    def _look_again(self) -> bool:
        """An unknown key may have been created just now; but guesses must not make us read the disk each time."""
        now_s = self._now_s()
        if now_s - self._looked_s < UNKNOWN_KEY_LOOK_S:
            return False
        self._looked_s = now_s
        return self.refresh()

    def refresh(self) -> bool:
        """Read the key file again if it changed; True when it did. A damaged file leaves the keys as they were."""
        try:
            stat = (self._data_dir / KEYS_FILE).stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        except FileNotFoundError:
            seen = None
        if seen == self._seen:
            return False
        try:
            self._ring = load(self._data_dir)
        except (BadInput, OSError) as error:
            log.error("keys_unreadable", error=str(error))
            return False
        self._seen = seen
        return True

    async def watch(self, looked: Callable[[], None]) -> None:
        """Run beside the requests: a created or revoked key counts within a second. ``looked`` is called each time."""
        while True:
            await asyncio.sleep(WATCH_S)
            await asyncio.to_thread(self.refresh)
            looked()


def require(record: KeyRecord, scope: str) -> None:
    """Raises 403 that names the scope which the key lacks."""
    if not record.allows(scope):
        raise _missing(scope)


def _missing(scope: str) -> Refused:
    return Refused(403, f"the key lacks the scope {scope[:200]}")
