"""``kairos migrate-store``, ``backup``, ``restore`` and ``reshard``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, TextColumn

from actors.durable_file import create_file
from actors.postgresql.address import SCHEMES, check_url, without_password
from actors.stores.master_key import FILE as MASTER_FILE
from actors.stores.master_key import MasterKeyPlace
from actors.stores.sqlite import MOVED_FILE
from cluster.cli.options import AsJson, DataDir
from cluster.moving import copying
from cluster.moving.backing_up import back_up, restore
from cluster.moving.backup_place import BackupPlace
from cluster.moving.erasures import read_erasures
from cluster.moving.migrating import STORE_NOTE, migrate
from cluster.moving.postgresql_place import PostgresqlPlace
from cluster.moving.resharding import reshard
from cluster.moving.sqlite_place import SqlitePlace, refuse_strangers
from cluster.moving.stopped import refuse_live
from cluster.settings import SQLITE, Settings, load_settings
from cluster.store_of import plain_store
from models.errors import BadInput

StoreUrl = Annotated[str | None, typer.Option("--store", help="postgresql://..., if not the data directory's store.")]


@contextmanager
def _progress(as_json: bool) -> Iterator[copying.Progress]:
    """A line per owner and table on a terminal."""
    quiet = as_json or not sys.stderr.isatty()
    columns = (TextColumn("{task.description}"), TextColumn("{task.completed:.0f} rows"))
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as bar:
        task = bar.add_task("")
        yield lambda owner, table, rows: bar.update(task, description=f"{owner} {table}", completed=rows)


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _told(totals: dict[str, int], as_json: bool) -> str:
    if as_json:
        return json.dumps(totals)
    return ", ".join(f"{count} {name}" for name, count in totals.items()) or "nothing was left to do"


def migrate_store(
    to: Annotated[str, typer.Option(help="postgresql://USER@HOST/DATABASE, empty; the password in PGPASSWORD.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Move a stopped embedded installation to PostgreSQL. May be interrupted, and repeated."""
    place = load_settings(data_dir=data_dir).data_dir
    with _progress(as_json) as progress:
        totals = migrate(place, check_url(to), progress, _say)
    print(_told(totals, as_json))
    _say(
        f"{place} belongs to {without_password(to)} now: `kairos up --data-dir {place}` goes on there. Other nodes "
        f"need the master key. Remove {place / 'shards'} and {place / 'coordinator'} when you are content: until then "
        f"the keys of customers who are erased from now on remain there, wrapped."
    )


def backup(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    online: Annotated[bool, typer.Option("--online", help="While it serves (PostgreSQL only).")] = False,
    data_dir: DataDir = None, store: StoreUrl = None, as_json: AsJson = False,
) -> None:
    """Copy a whole installation as it is at one moment: PostgreSQL at any time, an embedded one while it is stopped."""
    settings = load_settings(data_dir=data_dir, store=store)
    source = _source(settings, online)
    try:
        with _progress(as_json) as progress:
            totals = back_up(source, folder, time.time_ns() // 1_000_000, progress)
    finally:
        source.close()
    print(_told(totals, as_json))
    _say(f"{folder} is a backup. The master key is not in it: keep that elsewhere, without it nothing can be read.")


def _source(settings: Settings, online: bool) -> SqlitePlace | PostgresqlPlace:
    named = _named(settings)
    if named != SQLITE:
        return PostgresqlPlace(named, settings.data_dir, snapshot=True)
    if online:
        raise BadInput(
            "an embedded installation's files belong to its processes alone, so there is no online backup of them: "
            "stop it with `kairos down` for the backup, or move it to PostgreSQL with `kairos migrate-store`"
        )
    refuse_live(settings.data_dir)
    return SqlitePlace(settings.data_dir)


def _named(settings: Settings) -> str:
    """The store with the password that was given, if one was."""
    if "store" in settings.model_fields_set and settings.store != SQLITE:
        return settings.store
    return str(plain_store(settings)["store"])


def restore_backup(
    folder: Annotated[Path, typer.Argument(help="What `kairos backup` made.")],
    erasures: Annotated[str | None, typer.Option(
        help="Who was erased since: a newer backup, its erasures.jsonl, or the newer installation (folder or URL).",
    )] = None,
    data_dir: DataDir = None, store: StoreUrl = None, as_json: AsJson = False,
) -> None:
    """Make an installation of a backup, in an empty data directory or database. May be interrupted, and repeated."""
    settings = load_settings(data_dir=data_dir, store=store)
    place = settings.data_dir
    backup_place = BackupPlace(folder)
    destroyed = read_erasures(erasures, place) if erasures is not None else {}
    is_embedded = settings.store.partition("://")[0] not in SCHEMES
    if is_embedded:
        refuse_live(place)
        refuse_strangers(place)
    target = SqlitePlace(place) if is_embedded else PostgresqlPlace(settings.store, place)
    try:
        with _progress(as_json) as progress:
            totals = restore(backup_place, target, place, destroyed, progress)
    finally:
        target.close()
    print(_told(totals, as_json))
    if erasures is None:
        _say(
            "customers who were erased after this backup was made are back: if there are any, empty the target and "
            "restore again with --erasures"
        )
    else:
        _say(f"{len(destroyed)} customers who were erased since do not come back")


def reshard_store(
    shards: Annotated[int, typer.Option(help="How many the new installation has.")],
    to: Annotated[str, typer.Option(help="An empty folder, or postgresql://... of an empty database.")],
    data_dir: DataDir = None, store: StoreUrl = None, as_json: AsJson = False,
) -> None:
    """Rebuild a stopped installation with another number of shards, beside the old one, which is kept for audits."""
    settings = load_settings(data_dir=data_dir, store=store)
    named = _named(settings)
    refuse_live(settings.data_dir)
    source = SqlitePlace(settings.data_dir) if named == SQLITE else PostgresqlPlace(named, settings.data_dir)
    try:
        if isinstance(source, PostgresqlPlace):
            source.hold()
        master = MasterKeyPlace(settings.data_dir)
        target = _new_place(to, settings.data_dir, master)
        try:
            with _progress(as_json) as progress:
                totals = reshard(source, target, shards, master, progress)
        finally:
            target.close()
    finally:
        source.close()
    print(_told(totals, as_json))
    _say(
        f"the installation with {shards} shards is at {target.name}: {_how_to_start(settings, target)}. Decisions and "
        f"timelines from before are in the old one, {source.name}: audit them there, and remove it when you would have "
        f"truncated its journal. Until then it holds the keys of customers who are erased from now on, wrapped."
    )


def _how_to_start(settings: Settings, target: SqlitePlace | PostgresqlPlace) -> str:
    place = settings.data_dir
    if isinstance(target, SqlitePlace):
        return f"`kairos up --data-dir {target.name}`"
    if (place / MOVED_FILE).exists() and not (place / STORE_NOTE).exists():
        return f"`kairos up --data-dir NEW --store {target.name}`, with the master key of {place} in NEW"
    return f"`kairos up --data-dir {place} --store {target.name}`"


def _new_place(to: str, data_dir: Path, master: MasterKeyPlace) -> SqlitePlace | PostgresqlPlace:
    """An embedded one gets the master key that lies in the old data directory, if it lies there."""
    if to.partition("://")[0] in SCHEMES:
        return PostgresqlPlace(to, data_dir)
    place = Path(to).resolve()
    key = data_dir / MASTER_FILE
    if master.file == key and key.exists():
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        create_file(place / MASTER_FILE, key.read_bytes())
    return SqlitePlace(place)
