"""What is chosen once per data directory and never changes in place: number of shards, slots, the secret."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from actors.durable_file import replace_file
from models import limits
from models.errors import BadInput, KairosError

_FILE = "installation.json"
_SECRET_FILE = "customer.secret"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Installation:
    format: int
    slots: int
    shards: int
    store: str


def read_installation(data_dir: Path) -> Installation | None:
    """The installation in a data directory, or None when there is none yet."""
    try:
        return Installation(**json.loads((data_dir / _FILE).read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise KairosError(f"{data_dir / _FILE} is damaged ({error}); restore it from a backup") from error


def open_installation(data_dir: Path, shards: int | None, store: str) -> Installation:
    """Read the installation, or make it. Raises ``BadInput`` when another number of shards is asked for."""
    found = read_installation(data_dir)
    if found is None:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = Installation(FORMAT, limits.SLOTS, shards or limits.SHARDS_EMBEDDED, store)
        replace_file(data_dir / _FILE, json.dumps(asdict(found)).encode())
    if shards is not None and shards != found.shards:
        raise BadInput(
            f"{data_dir} was installed with {found.shards} shards, not {shards}; "
            f"start it without --shards (the number of an installation is fixed)"
        )
    if (found.format, found.slots) != (FORMAT, limits.SLOTS):
        raise BadInput(f"{data_dir} was written by another version (format {found.format}, {found.slots} slots)")
    return found


def customer_secret(data_dir: Path) -> bytes:
    """The installation's secret behind every customer key (32 bytes); made at the first start, mode 0600."""
    path = data_dir / _SECRET_FILE
    try:
        secret = path.read_bytes()
    except FileNotFoundError:
        if any((data_dir / "shards").glob("*/journal.db")):
            raise KairosError(f"{path} is missing but journals exist; restore it from a backup") from None
        secret = secrets.token_bytes(32)
        replace_file(path, secret)
    if len(secret) != 32:
        raise KairosError(f"{path} is damaged: {len(secret)} bytes, not 32; restore it from a backup")
    return secret
