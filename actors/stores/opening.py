"""From the plain values that cross process borders to a store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actors.stores.interface import Store
from actors.stores.sqlite import KIND as SQLITE
from actors.stores.sqlite import SqliteStore


def open_store(plain: Mapping[str, Any]) -> Store:
    """``plain``: ``store`` ("sqlite", the default, or a postgresql:// URL without a password) and ``data_dir``. Touches
    nothing. Raises ``BadInput`` when no such store is known."""
    named = str(plain.get("store", SQLITE))
    if named == SQLITE:
        return SqliteStore(Path(plain["data_dir"]))
    return _postgresql(named, Path(plain["data_dir"]))


def _postgresql(url: str, data_dir: Path) -> Store:
    from actors.stores.postgresql import PostgresqlStore  # an embedded installation does not wait for its driver

    return PostgresqlStore(url, data_dir)
