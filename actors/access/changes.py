"""What may become of the keys of an installation: created, rotated, revoked. A store applies a change as a whole."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from actors.access.interface import AccessStore
from actors.access.record import ISSUED_PREFIX, KeyRecord, check_scopes, check_tenant
from models import limits
from models.errors import BadInput
from models.ids import MAIN_TENANT
from models.times import format_time

_PREFIX: Final = "kairos_"
_SECRET_BYTES: Final = 32
_TAIL_CHARS: Final = 4
#: What a key looks like.
KEY: Final = re.compile(r"kairos_[A-Za-z0-9_-]{43}", re.ASCII)


def create(
    store: AccessStore, name: str, scopes: Sequence[str], *, now_ms: int, expires_ms: int | None = None,
    rate: float | None = None, tenant: str = MAIN_TENANT,
) -> str:
    """Store a new key and return its text, which is kept nowhere. Raises ``BadInput``."""
    _check(name, now_ms, expires_ms, rate)
    text, record = _new(name, check_scopes(scopes), now_ms, expires_ms, rate, check_tenant(tenant))

    def add(records: Sequence[KeyRecord]) -> tuple[list[KeyRecord], None]:
        if _live(records, name, now_ms):
            raise BadInput(
                f"there is a live key named {name!r} already; `kairos key rotate` gives it a second, `revoke` ends it"
            )
        return [*_kept(records, now_ms), record], None

    store.change(add)
    return text


def rotate(
    store: AccessStore, name: str, *, now_ms: int, overlap_ms: int = limits.KEY_OVERLAP_MS_DEFAULT,
    expires_ms: int | None = None,
) -> str:
    """A second key beside the live one of that name, which ends after the overlap; the new key's text.

    It may do what the first may, and lives as long as that was meant to. Raises ``BadInput`` when there is none, or
    when two are live already.
    """
    if not 0 <= overlap_ms <= limits.KEY_OVERLAP_MS_MAX:
        raise BadInput(f"an overlap is 0 to {limits.KEY_OVERLAP_MS_MAX // limits.DAY_MS} days")
    _check(name, now_ms, expires_ms, None)

    def second(records: Sequence[KeyRecord]) -> tuple[list[KeyRecord], str]:
        live = _live(records, name, now_ms)
        if not live:
            raise BadInput(f"there is no live key named {name!r}; `kairos key list` shows all")
        if len(live) > 1:
            raise BadInput(
                f"{name!r} has two live keys; the older ends {_when(live[0].expires_ms)}: wait for that, or revoke it "
                f"with --id {live[0].key_id}"
            )
        first = live[0]
        ends_ms = expires_ms
        if ends_ms is None and first.expires_ms is not None:
            ends_ms = now_ms + first.expires_ms - first.created_ms
        text, record = _new(name, first.scopes, now_ms, ends_ms, first.rate, first.tenant)
        last_ms = now_ms + overlap_ms
        ended = replace(first, expires_ms=last_ms if first.expires_ms is None else min(last_ms, first.expires_ms))
        return [*(ended if one is first else one for one in _kept(records, now_ms)), record], text

    return store.change(second)


def revoke(store: AccessStore, name: str, *, now_ms: int, key_id: str | None = None) -> list[KeyRecord]:
    """End the live keys of that name, or the one with that id; what was ended. Raises ``BadInput`` for none."""

    def end(records: Sequence[KeyRecord]) -> tuple[list[KeyRecord], list[KeyRecord]]:
        asked = [one for one in _live(records, name, now_ms) if key_id is None or one.key_id == key_id]
        if not asked:
            which = f"live key named {name!r}" + (f" with the id {key_id}" if key_id else "")
            raise BadInput(f"there is no {which}; `kairos key list` shows all")
        ended = {one.digest: replace(one, revoked_ms=now_ms) for one in asked}
        return [ended.get(one.digest, one) for one in _kept(records, now_ms)], list(ended.values())

    return store.change(end)


def _live(records: Sequence[KeyRecord], name: str, now_ms: int) -> list[KeyRecord]:
    """The older first."""
    return [record for record in records if record.name == name and record.live(now_ms)]


def _kept(records: Sequence[KeyRecord], now_ms: int) -> list[KeyRecord]:
    """Without what has been dead for long. Raises ``BadInput`` when too many are left for one more."""
    least_ms = now_ms - limits.DEAD_KEY_KEPT_MS
    kept = [record for record in records if (_ended_ms(record, now_ms) or now_ms) >= least_ms]
    if len(kept) >= limits.KEYS_MAX:
        raise BadInput(f"there are {len(kept)} keys, as many as there may be; dead ones go after some months")
    return kept


def _ended_ms(record: KeyRecord, now_ms: int) -> int | None:
    if record.live(now_ms):
        return None
    return min(ms for ms in (record.revoked_ms, record.expires_ms) if ms is not None)


def _new(
    name: str, scopes: tuple[str, ...], now_ms: int, expires_ms: int | None, rate: float | None, tenant: str,
) -> tuple[str, KeyRecord]:
    text = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return text, KeyRecord(name, digest, scopes, now_ms, expires_ms, rate, tenant, tail=text[-_TAIL_CHARS:])


def _check(name: str, now_ms: int, expires_ms: int | None, rate: float | None) -> None:
    if not 0 < len(name) <= limits.ID_CHARS_MAX or not name.isprintable() or name.startswith(ISSUED_PREFIX):
        raise BadInput(
            f"a key's name has 1 to {limits.ID_CHARS_MAX} printable characters and never begins with {ISSUED_PREFIX!r}"
        )
    if rate is not None and not 0 < rate <= limits.KEY_RATE_MAX:
        raise BadInput(f"a rate is a number of requests per second, above 0 and up to {limits.KEY_RATE_MAX}")
    if expires_ms is not None and expires_ms <= now_ms:
        raise BadInput("the key would be expired already; give a time in the future")


def _when(time_ms: int | None) -> str:
    return "never" if time_ms is None else f"at {format_time(time_ms)}"
