"""``kairos doctor``'s look into the store: the master key, and the journals of a stopped installation."""

from __future__ import annotations

from collections.abc import Iterator

from actors.naming import shard_owner
from actors.stores.interface import Installation, Store
from cluster.preflight import Finding
from models.errors import KairosError


def master_key(store: Store) -> Finding:
    """Whether the master key that is found here is the one that wrapped the installation's secret."""
    try:
        store.secret()
        keys = store.master.read()
    except KairosError as error:
        return Finding("master key", False, str(error))
    return Finding("master key", True, f"{keys.newest}, from {keys.place}")


def journals(store: Store, installation: Installation) -> Iterator[Finding]:
    """Reads every row of every shard, so each checksum is verified."""
    for shard in range(installation.shards):
        name = f"journal {shard}"
        if not store.has_journal(shard_owner(shard)):
            yield Finding(name, False, f"{store.place} lacks it; restore it from a backup")
            continue
        try:
            journal = store.journal(shard_owner(shard))
            try:
                count = sum(1 for _ in journal.rows(0))
                yield Finding(name, True, f"{count} rows, every checksum right")
            finally:
                journal.close()
        except KairosError as error:
            yield Finding(name, False, str(error))
