"""API keys of one installation: ``<data-dir>/keys.json`` holds their hashes and scopes, never a key itself.

Writers (the command line, the first start) take a lock and replace the file atomically; readers see the old file or
the new one. A key is looked up by the SHA-256 of its text, so no comparison depends on how much of a guess is right.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from actors.durable_file import replace_file
from models import limits
from models.errors import BadInput

KEYS_FILE: Final = "keys.json"
ADMIN_KEY_FILE: Final = "admin.key"
ADMIN_NAME: Final = "admin"
EVERYTHING: Final = "*"
_LOCK_FILE: Final = "keys.lock"
_PREFIX: Final = "kairos_"
_SECRET_BYTES: Final = 32
_KEY = re.compile(r"kairos_[A-Za-z0-9_-]{43}", re.ASCII)
#: Besides these: ``decide:<channel>`` and ``decide:*``.
SCOPES: Final = (
    "events:write", "outcomes:write", "intents:write", "profiles:read", "profiles:erase", "config:read",
    "config:write", "budgets:write", "audit:read", "history:write",
)


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One key as stored; times are wall milliseconds."""

    name: str
    #: SHA-256 of the key's text, hex.
    digest: str
    scopes: tuple[str, ...]
    created_ms: int
    #: None: never.
    expires_ms: int | None = None
    #: Requests per second that each gateway grants; None: no limit.
    rate: float | None = None
    tenant: str = ""
    revoked_ms: int | None = None

    def live(self, now_ms: int) -> bool:
        return self.revoked_ms is None and (self.expires_ms is None or now_ms < self.expires_ms)

    def allows(self, scope: str) -> bool:
        """``scope`` itself, the wildcard of its kind (``decide:*``), or everything."""
        return scope in self.scopes or EVERYTHING in self.scopes or (
            scope.startswith("decide:") and "decide:*" in self.scopes
        )

    @property
    def decides(self) -> bool:
        """May decide in at least one channel."""
        return any(scope == EVERYTHING or scope.startswith("decide:") for scope in self.scopes)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Every stored key by its digest: one reading of the file."""

    by_digest: Mapping[bytes, KeyRecord]

    def verify(self, key: bytes, now_ms: int) -> KeyRecord | None:
        """The live record of a key's text, or None."""
        record = self.by_digest.get(hashlib.sha256(key).digest())
        return record if record is not None and record.live(now_ms) else None

    def live(self, digest: str, now_ms: int) -> bool:
        """Whether the key with this digest (hex) is known and may still be used."""
        record = self.by_digest.get(bytes.fromhex(digest))
        return record is not None and record.live(now_ms)


def check_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """The scopes without repetitions. Raises ``BadInput`` that names the unknown ones and lists the known."""
    asked = tuple(dict.fromkeys(scopes))
    unknown = [s for s in asked if s not in SCOPES and s != EVERYTHING and not _is_decide(s)]
    if unknown or not asked:
        said = f"unknown scope {', '.join(map(repr, unknown))}" if unknown else "a key needs at least one scope"
        raise BadInput(f"{said}; known: {', '.join(SCOPES)}, decide:<channel>, decide:*, *")
    return asked


def _is_decide(scope: str) -> bool:
    channel = scope.removeprefix("decide:")
    return channel != scope and 0 < len(channel) <= limits.ID_CHARS_MAX


def load(data_dir: Path) -> KeyRing:
    """All keys of an installation; none when there is no file yet."""
    return KeyRing({bytes.fromhex(record.digest): record for record in list_keys(data_dir)})


def list_keys(data_dir: Path) -> list[KeyRecord]:
    """In the order of creation, revoked and expired ones included. Raises ``BadInput`` for a damaged file."""
    path = data_dir / KEYS_FILE
    try:
        stored = json.loads(path.read_bytes())
        return [KeyRecord(**{**entry, "scopes": tuple(entry["scopes"])}) for entry in stored["keys"]]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} is damaged ({error}); restore it, or remove it and create the keys again") from error


def create(
    data_dir: Path, name: str, scopes: Sequence[str], *, now_ms: int, expires_ms: int | None = None,
    rate: float | None = None, tenant: str = "",
) -> str:
    """Store a new key and return its text, which is kept nowhere. Raises ``BadInput``."""
    if not 0 < len(name) <= limits.ID_CHARS_MAX:
        raise BadInput(f"a key's name has 1 to {limits.ID_CHARS_MAX} characters")
    if rate is not None and not 0 < rate <= limits.KEY_RATE_MAX:
        raise BadInput(f"a rate is a number of requests per second, above 0 and up to {limits.KEY_RATE_MAX}")
    if expires_ms is not None and expires_ms <= now_ms:
        raise BadInput("the key would be expired already; give a time in the future")
    checked = check_scopes(scopes)
    key = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    digest = hashlib.sha256(key.encode()).hexdigest()
    with _locked(data_dir):
        records = list_keys(data_dir)
        if any(record.name == name and record.live(now_ms) for record in records):
            raise BadInput(f"there is a live key named {name!r} already; revoke it or choose another name")
        records.append(KeyRecord(name, digest, checked, now_ms, expires_ms, rate, tenant))
        _store(data_dir, records)
    return key


def revoke(data_dir: Path, name: str, *, now_ms: int) -> KeyRecord:
    """End the live key of that name; returns its record. Raises ``BadInput`` when there is none."""
    with _locked(data_dir):
        records = list_keys(data_dir)
        for place, record in enumerate(records):
            if record.name == name and record.live(now_ms):
                records[place] = replace(record, revoked_ms=now_ms)
                _store(data_dir, records)
                return records[place]
    raise BadInput(f"there is no live key named {name!r}; `kairos key list` shows all")


def ensure_admin_key(data_dir: Path, *, now_ms: int) -> Path:
    """Write the key with all scopes at the first start; the path of its file (mode 0600).

    When the file is there nothing happens. When only the file was lost, the old key is revoked and a new one written.
    """
    path = data_dir / ADMIN_KEY_FILE
    if path.exists():
        return path
    if any(record.name == ADMIN_NAME and record.live(now_ms) for record in list_keys(data_dir)):
        revoke(data_dir, ADMIN_NAME, now_ms=now_ms)
    key = create(data_dir, ADMIN_NAME, [EVERYTHING], now_ms=now_ms)
    replace_file(path, (key + "\n").encode())
    return path


def read_admin_key(data_dir: Path) -> str:
    """The text of the local key. Raises ``BadInput`` when this directory never started or the file is no key."""
    path = data_dir / ADMIN_KEY_FILE
    try:
        key = path.read_text().strip()
    except FileNotFoundError:
        raise BadInput(f"there is no {path}; a first `kairos up` writes it") from None
    if _KEY.fullmatch(key) is None:
        raise BadInput(f"{path} holds no key; remove it, and the next `kairos up` writes a new one")
    return key


@contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(data_dir / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _store(data_dir: Path, records: Sequence[KeyRecord]) -> None:
    stored: dict[str, Any] = {"format": 1, "keys": [asdict(record) for record in records]}
    replace_file(data_dir / KEYS_FILE, json.dumps(stored, indent=1).encode())
