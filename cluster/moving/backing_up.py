"""A backup is made, and an installation is made of a backup."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from actors.stores.interface import FORMAT
from actors.stores.master_key import MasterKeyPlace
from actors.stores.wrapping import SECRET
from cluster.moving.backup_place import BackupPlace, BackupWriter
from cluster.moving.copying import Progress, begin, copy_owner, verify
from cluster.moving.erasures import FILE as ERASURES_FILE
from cluster.moving.erasures import Erasures, as_lines, erasures_of, put_erasures, survives
from cluster.moving.place import Head, Source, Target
from cluster.moving.releases import release_erased
from cluster.moving.tables import TABLES
from models.errors import BadInput, KairosError


def back_up(source: Source, folder: Path, at_ms: int, progress: Progress = lambda *_: None) -> dict[str, int]:
    """Rows by table. The folder is a backup once this has returned. Raises ``KairosError``."""
    head = source.head()
    if head is None:
        raise BadInput(f"{source.name} holds no installation; name another with --data-dir or --store")
    if head.format != FORMAT:
        raise KairosError(f"{source.name} is not whole (format {head.format}); finish its move or restore first")
    writer = BackupWriter(folder)
    totals = {table.name: 0 for table in TABLES}
    owners = {owner: state for owner in source.owners() if (state := source.state(owner)) is not None}
    for owner in owners:
        for table in TABLES:
            rows = writer.rows(owner, table, source.pages(owner, table))
            totals[table.name] += rows
            progress(owner, table.name, rows)
    writer.file(ERASURES_FILE, as_lines(erasures_of(source)))
    writer.shared(source.shared())
    writer.finish(head, owners, at_ms, source.name)
    return totals


def restore(
    backup: BackupPlace, target: Target, data_dir: Path, erasures: Erasures, progress: Progress = lambda *_: None
) -> dict[str, int]:
    """Rows by table. What ``erasures`` names does not come back. May be killed at any point, and repeated with the same
    erasures. Raises ``KairosError``."""
    head = backup.head()
    assert head is not None
    _open_secret(head, data_dir, backup.name)
    if head.format != FORMAT:
        raise BadInput(f"{backup.name} is of another version (format {head.format}, not {FORMAT})")
    if not begin(head, target):
        raise BadInput(f"{target.name} holds this installation already; name an empty place")
    keep = partial(survives, erasures)
    for owner in backup.owners():
        copy_owner(backup, target, owner, progress, keep)
    target.put_shared(backup.shared())
    if not _has_erasures(target, erasures):
        verify(backup, target, keep)
    put_erasures(target, erasures, head.shards)  # also what the killed one had not come to
    release_erased(backup, target, erasures, MasterKeyPlace(data_dir))
    totals = {table.name: 0 for table in TABLES}
    for owner in backup.owners():
        for table in TABLES:
            totals[table.name] += sum(map(len, target.pages(owner, table)))
    target.finish(head)
    return totals


def _has_erasures(target: Target, erasures: Erasures) -> bool:
    """Whether an earlier, killed restore came as far as to put them down, which it does after all is verified."""
    known = erasures_of(target)
    return any(known.get(customer) == ended for customer, ended in erasures.items())


def _open_secret(head: Head, data_dir: Path, name: str) -> None:
    """Raises ``MasterKeyFailed`` with the remedy where the master key is missing: nothing could be read without it."""
    MasterKeyPlace(data_dir).read().unwrap(head.secret, SECRET, f"the secret in {name}")
