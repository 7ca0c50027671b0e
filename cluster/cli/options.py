"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from actors.access import read_admin_key
from actors.stores.interface import Store
from cluster.runfile import read_run
from cluster.settings import load_settings
from cluster.store_of import store_of
from models.errors import KairosError

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Where journals, keys and scorers live [.kairos].")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Url = Annotated[str | None, typer.Option("--url", help="A live server, if not that of the data directory.")]
Key = Annotated[str | None, typer.Option("--key", help="Its key, if not the local admin key.")]


def data_dir_of(given: Path | None) -> Path:
    """The data directory from the flag, ``KAIROS_DATA_DIR``, ``kairos.yaml`` or the default."""
    return load_settings(data_dir=given).data_dir


def store_at(given: Path | None) -> Store:
    """The store of the data directory from the same sources."""
    return store_of(load_settings(data_dir=given))


def live_url(data_dir: Path) -> str | None:
    """The URL of the server that runs on a data directory, or None."""
    run = read_run(data_dir)
    if run is None or not run.ready:
        return None
    return run.url if run.address is not None or run.up.find() is not None else None  # a cluster outlives `kairos up`


def server(data_dir: Path | None, url: str | None, key: str | None) -> tuple[str, str]:
    """The URL and key to talk to. Raises ``KairosError`` when no server runs."""
    place = data_dir_of(data_dir)
    found = url or live_url(place)
    if found is None:
        raise KairosError(f"no Kairos runs in {place}; start it with `kairos up`, or name one with --url and --key")
    return found.rstrip("/"), key or os.environ.get("KAIROS_KEY") or read_admin_key(place)
