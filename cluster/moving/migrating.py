"""An embedded installation moves to PostgreSQL: copied, proved, and then marked as gone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from actors.durable_file import replace_file
from actors.stores.interface import FORMAT, MOVING
from cluster.moving.copying import Progress, begin, copy_owner, verify
from cluster.moving.place import Head, Target
from cluster.moving.postgresql_place import PostgresqlPlace
from cluster.moving.sqlite_place import SqlitePlace
from cluster.moving.stopped import refuse_live
from models.errors import BadInput, KairosError

STORE_NOTE: Final = "store.json"
Say = Callable[[str], None]


def migrate(
    data_dir: Path, url: str, progress: Progress = lambda *_: None, say: Say = lambda _: None
) -> dict[str, int]:
    """Rows by table. May be killed at any point, and repeated. Raises ``KairosError``."""
    refuse_live(data_dir)
    source = SqlitePlace(data_dir)
    try:
        target = PostgresqlPlace(url, data_dir)
        try:
            return _move(source, target, data_dir, progress, say)
        finally:
            target.close()
    finally:
        source.close()


def _move(source: SqlitePlace, target: PostgresqlPlace, data_dir: Path, progress: Progress, say: Say) -> dict[str, int]:
    head = _head_of(source, target, data_dir)
    if not begin(head, target):
        raise BadInput(f"{target.name} holds this installation already, and {data_dir} is not moved; name an empty one")
    for owner in source.owners():
        copy_owner(source, target, owner, progress)
    target.put_shared(source.shared())
    say("comparing counts and hashes of both")
    totals = verify(source, target)
    # At no moment can both be started: what one of them acknowledged then would be lost with it.
    note_store(data_dir, target.name, head.name)
    source.mark_moved(target.name)
    target.finish(head)
    return totals


def _head_of(source: SqlitePlace, target: Target, data_dir: Path) -> Head:
    to = source.moved_to()
    if to is not None:
        arrived = target.head() if to == target.name else None
        if arrived is None or arrived.format != MOVING:
            raise BadInput(f"{data_dir} was moved already, to {to}")
    head = source.head()
    if head is None:
        raise BadInput(f"{data_dir} holds no embedded installation; name another with --data-dir")
    if head.format != FORMAT:
        raise KairosError(f"{data_dir} is not whole (format {head.format}); finish its restore first")
    return head


def note_store(data_dir: Path, to: str, name: str) -> None:
    """From here on the data directory belongs to the installation in its new place."""
    replace_file(data_dir / STORE_NOTE, json.dumps({"store": to, "installation": name}).encode())
