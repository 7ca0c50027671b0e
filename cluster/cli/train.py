"""``kairos train``."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from actors.access import read_admin_key
from actors.stores.interface import Store
from cluster.cli.options import AsJson, DataDir, Key, Url, data_dir_of, live_url, store_at
from cluster.client import AsyncKairos
from cluster.journal_rows import rows_of
from cluster.journal_source import open_journals
from cluster.training import promote, read_rows, train_and_register
from models.scoring.rows import Rows
from models.scoring.training import HOLDOUT_DEFAULT


def train(
    data_dir: DataDir = None, url: Url = None, key: Key = None,
    rows: Annotated[
        Path | None, typer.Option(help="Learn from this Parquet file, not the journal.", exists=True, dir_okay=False)
    ] = None,
    holdout: Annotated[float, typer.Option(help="Share of the latest rows that only judge.")] = HOLDOUT_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Train a scorer on what was shown and accepted, register it, and promote it on a live server.

    From the journal: one row per shown item, features as of its decision, labelled when its accept window has ended.
    Columns of --rows: time_ms (when chosen), action, label (0 or 1), optional label_time_ms (when the label was final)
    and weight; every other column is a feature, named as the catalog's: profile.<feature>, attribute.<id>, time.hour,
    time.weekday, channel.<id>, then action.value, action.lever, action.evidence, group.<id>, issue.<id>, tag.<tag>,
    action.<id>.

    The split is by time: the latest rows judge, those before them stop the growth, the rest trains.
    """
    place = data_dir_of(data_dir)
    live = url or live_url(place)
    bearer = "" if live is None else key or os.environ.get("KAIROS_KEY") or read_admin_key(place)
    store = store_at(data_dir)
    learnt_from = read_rows(rows) if rows is not None else _from_journals(store, live, bearer)
    manifest = train_and_register(learnt_from, store.scorers(), time.time_ns() // 1_000_000, holdout)
    if live is not None:
        asyncio.run(_promote(live, bearer, manifest.version))
    promoted = live is not None
    if as_json:
        print(json.dumps({"promoted": promoted, **manifest.to_wire()}))
        return
    counts, accepted, metrics = manifest.rows, manifest.accepted, manifest.metrics
    print(f"{manifest.version}: {counts['all']} rows, {accepted['all']} accepted, {manifest.params['rounds']} trees")
    print(
        f"on the latest {counts['test']} rows: AUC {metrics['auc']:.3f}, log loss {metrics['log_loss']:.4f} "
        f"(always the mean: {metrics['base_log_loss']:.4f})"
    )
    unserved = f"registered in {store.place}; nothing runs there to promote it on"
    print("promoted on the live server" if promoted else unserved)


def _from_journals(store: Store, live: str | None, key: str) -> Rows:
    with open_journals(store, live, key) as source:
        rows, headless = rows_of(source)
    if headless:
        Console(stderr=True).print(f"{headless} customers are left out: the journal lacks their beginning")
    return rows


async def _promote(url: str, key: str, version: str) -> None:
    async with AsyncKairos(url, key) as client:
        await promote(client, version)
