"""``kairos doctor``'s look at the journals of a stopped installation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from actors.journal.sqlite import open_journal
from actors.shard.settings import ShardSettings
from cluster.installation import Installation
from cluster.preflight import Finding
from models.errors import KairosError


def journals(data_dir: Path, installation: Installation) -> Iterator[Finding]:
    """Reads every row of every shard, so each checksum is verified."""
    for shard in range(installation.shards):
        directory = ShardSettings(shard, installation.shards, str(data_dir)).directory
        name = f"journal {shard}"
        if not directory.is_dir():
            yield Finding(name, False, f"{directory} is missing; restore it from a backup")
            continue
        try:
            journal = open_journal(directory)
            try:
                count = sum(1 for _ in journal.rows(0))
                yield Finding(name, True, f"{count} rows, every checksum right")
            finally:
                journal.close()
        except KairosError as error:
            yield Finding(name, False, str(error))
