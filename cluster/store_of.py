"""The store of an installation: as its settings name it, or as its data directory remembers it.

``<data-dir>/store.json`` says to which PostgreSQL installation a data directory belongs, so that commands find it
without being told again, and so that nobody starts with another store what began with this one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from actors.durable_file import replace_file
from actors.postgresql.address import without_password
from actors.stores.interface import Installation, Store
from actors.stores.master_key import FILE_VARIABLE, VARIABLE, MasterKeyPlace
from actors.stores.opening import open_store
from cluster.settings import SQLITE, Settings
from models import limits
from models.errors import BadInput, KairosError, MasterKeyFailed

_NOTE: Final = "store.json"


def plain_store(settings: Settings) -> dict[str, Any]:
    """What every process opens the store by: plain values, none of them secret. Raises ``BadInput`` when the data
    directory began with another kind of store."""
    return {"store": without_password(_named(settings)), "data_dir": str(settings.data_dir.resolve())}


def store_of(settings: Settings) -> Store:
    """Touches nothing yet. Raises as ``plain_store`` does."""
    return open_store(plain_store(settings))


def install(settings: Settings) -> Installation:
    """Find or make the installation and note in the data directory where it is. Raises ``KairosError``."""
    if settings.address is not None and not MasterKeyPlace(settings.data_dir).is_there:
        raise MasterKeyFailed(
            f"a cluster's nodes need one master key, and none is given: put `openssl rand -base64 32` into "
            f"{VARIABLE} or into a file that {FILE_VARIABLE} names, the same on every node, before `ray start`"
        )
    store = store_of(settings)
    try:
        _refuse_another(settings.data_dir, store)
        installation = store.install(settings.shards, limits.SLOTS)
    finally:
        store.close()
    if installation.store != SQLITE:
        note = {"store": store.place, "installation": installation.name}
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(settings.data_dir / _NOTE, json.dumps(note).encode())
    return installation


def _named(settings: Settings) -> str:
    """The store that was asked for, or that the data directory began with when none was."""
    begun = _begun_with(settings.data_dir)
    if begun is None or "store" in settings.model_fields_set:
        if begun is not None and (begun == SQLITE) is not (settings.store == SQLITE):
            raise BadInput(
                f"{settings.data_dir} began with the store {begun} and does not change it in place; "
                f"start it without --store, or name another --data-dir"
            )
        return settings.store
    return begun


def _begun_with(data_dir: Path) -> str | None:
    note = _note(data_dir)
    if note is not None:
        return note["store"]
    return SQLITE if (data_dir / "installation.json").exists() else None


def _note(data_dir: Path) -> dict[str, str] | None:
    path = data_dir / _NOTE
    try:
        note = json.loads(path.read_bytes())
        return {"store": str(note["store"]), "installation": str(note["installation"])}
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise KairosError(f"{path} is damaged ({error}); remove it and name the store with --store once") from error


def _refuse_another(data_dir: Path, store: Store) -> None:
    """A database may move, and then has another address; another installation is something else."""
    note = _note(data_dir)
    if note is None:
        return
    found = store.read_installation()
    if found is None or found.name != note["installation"]:
        what = "holds no installation" if found is None else f"holds the installation {found.name}"
        raise BadInput(
            f"{data_dir} belongs to the installation {note['installation']} at {note['store']}, but {store.place} "
            f"{what}; name the right store, or another --data-dir"
        )
