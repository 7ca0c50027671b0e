"""Installations without processes."""

from __future__ import annotations

from pathlib import Path

from actors.link.handshake import link_key
from actors.stores.sqlite import SqliteStore
from models import limits


def installed(data_dir: Path, shards: int = 1) -> SqliteStore:
    """The embedded store of a data directory, with an installation in it."""
    store = SqliteStore(data_dir)
    store.install(shards, limits.SLOTS)
    return store


def link_key_of(data_dir: Path) -> bytes:
    """What the processes of the installation in a data directory prove to each other to hold."""
    return link_key(SqliteStore(data_dir).secret())
