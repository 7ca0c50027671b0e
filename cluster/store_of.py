"""The store of an installation, as its settings name it."""

from __future__ import annotations

from typing import Any

from actors.stores.interface import Store
from actors.stores.opening import open_store
from cluster.settings import Settings


def plain_store(settings: Settings) -> dict[str, Any]:
    """What every process opens the store by: plain values, none of them secret."""
    return {"store": settings.store, "data_dir": str(settings.data_dir.resolve())}


def store_of(settings: Settings) -> Store:
    """Touches nothing yet. Raises ``BadInput`` when no such store is known."""
    return open_store(plain_store(settings))
