"""The first key: all scopes, in a file that only its owner can read."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path
from typing import Final

from actors.access.changes import KEY, create, revoke
from actors.access.interface import AccessStore
from actors.access.record import EVERYTHING
from actors.durable_file import replace_file
from models.errors import BadInput

ADMIN_KEY_FILE: Final = "admin.key"
ADMIN_NAME: Final = "admin"


def ensure_admin_key(store: AccessStore, data_dir: Path, *, now_ms: int) -> Path:
    """Write the key with all scopes at the first start; the path of its file (mode 0600).

    When the file is there and its key is known nothing happens. When only the file was lost, or its key means nothing
    in this store, the old key is revoked and a new one written. In a store that several machines share, each has a key
    of its own.
    """
    path = data_dir / ADMIN_KEY_FILE
    name = f"{ADMIN_NAME}@{socket.gethostname()}"[:200] if store.is_remote else ADMIN_NAME
    records = store.records()
    if path.exists():
        digest = hashlib.sha256(read_admin_key(data_dir).encode()).hexdigest()
        if any(record.digest == digest for record in records):
            return path
    if any(record.name == name and record.live(now_ms) for record in records):
        revoke(store, name, now_ms=now_ms)
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = create(store, name, [EVERYTHING], now_ms=now_ms)
    replace_file(path, (key + "\n").encode())
    return path


def read_admin_key(data_dir: Path) -> str:
    """The text of the local key. Raises ``BadInput`` when this directory never started or the file is no key."""
    path = data_dir / ADMIN_KEY_FILE
    try:
        key = path.read_text().strip()
    except FileNotFoundError:
        raise BadInput(f"there is no {path}; a first `kairos up` writes it") from None
    if KEY.fullmatch(key) is None:
        raise BadInput(f"{path} holds no key; remove it, and the next `kairos up` writes a new one")
    return key
