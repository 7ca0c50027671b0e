"""``kairos master-key``: put a new master key in an old one's place; show what each wraps."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from actors.stores.interface import Store
from cluster.cli.options import AsJson, DataDir
from cluster.settings import load_settings
from cluster.store_of import store_of
from models.errors import JournalLocked, KairosError, MasterKeyFailed

app = typer.Typer(help="Rotate the master key, show what each wraps.", no_args_is_help=True)

StoreUrl = Annotated[str | None, typer.Option("--store", help="The store, if not that of the data directory.")]


@app.command()
def rotate(
    data_dir: DataDir = None, store: StoreUrl = None, as_json: AsJson = False,
) -> None:
    """Wrap the secret and the monthly keys with a new master key.

    A new key goes before the old ones in the key's file, unless the newest one there does not wrap everything yet: then
    that is finished, so it may be interrupted and repeated. Where the key comes from the environment, or the file is
    not this machine's to write, put the new key first there, on every node, and run this then. An embedded installation
    must be stopped for it; one in PostgreSQL may run, once every node has the new key. Old keys stay in the file:
    remove them when `show` says that they wrap nothing any more.
    """
    opened = _installed(data_dir, store)
    try:
        if list(opened.wrapped()) == [opened.master.read().newest]:
            opened.master.add()
        count = opened.rewrap()
        newest = opened.master.read().newest
    except JournalLocked as error:
        raise KairosError(f"{error}: an embedded installation is stopped for this") from error
    finally:
        opened.close()
    if as_json:
        print(json.dumps({"newest": newest, "rewrapped": count}))
    else:
        print(f"{count} keys are wrapped by master key {newest} now; `kairos master-key show` shows what is left")


@app.command()
def show(data_dir: DataDir = None, store: StoreUrl = None, as_json: AsJson = False) -> None:
    """Show the master keys' ids and how many keys each wraps; never a key."""
    opened = _installed(data_dir, store)
    try:
        wrapped = opened.wrapped()
        keys = opened.master.read()
    finally:
        opened.close()
    rows = [{"id": one, "here": one in keys.keys, "wraps": wrapped.get(one, 0)} for one in {**keys.keys, **wrapped}]
    if as_json:
        print(json.dumps({"place": keys.place, "keys": rows}, indent=2))
        return
    table = Table(title=f"master keys in {keys.place}, newest first", title_justify="left")
    for column in ("id", "here", "wraps"):
        table.add_column(column)
    for row in rows:
        table.add_row(str(row["id"]), "yes" if row["here"] else "[bold red]MISSING[/bold red]", str(row["wraps"]))
    Console().print(table)
    if not all(row["here"] for row in rows):
        raise MasterKeyFailed("a key that still wraps something is missing; put it back before anything needs it")


def _installed(data_dir: DataDir, url: StoreUrl) -> Store:
    opened = store_of(load_settings(data_dir=data_dir, store=url))
    if opened.read_installation() is None:
        opened.close()
        raise KairosError(f"{opened.place} holds no installation; name another with --data-dir or --store")
    return opened
