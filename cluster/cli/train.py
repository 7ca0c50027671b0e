"""``kairos train``."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from actors.access import read_admin_key
from cluster.cli.options import AsJson, DataDir, Key, Url, data_dir_of, live_url
from cluster.http_client import HttpClient
from cluster.journal_rows import live_rows, stored_rows
from cluster.training import promote, read_rows, train_and_register
from models.errors import BadInput
from models.scoring.manifest import Manifest
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
    base = url or live_url(place)
    bearer = "" if base is None else key or read_admin_key(place)
    manifest, promoted = asyncio.run(_train(place, base, bearer, rows, holdout))
    if as_json:
        print(json.dumps({"promoted": promoted, **manifest.to_wire()}))
        return
    counts, accepted, metrics = manifest.rows, manifest.accepted, manifest.metrics
    print(f"{manifest.version}: {counts['all']} rows, {accepted['all']} accepted, {manifest.params['rounds']} trees")
    print(
        f"on the latest {counts['test']} rows: AUC {metrics['auc']:.3f}, log loss {metrics['log_loss']:.4f} "
        f"(always the mean: {metrics['base_log_loss']:.4f})"
    )
    print("promoted on the live server" if promoted else f"registered in {place}; nothing runs there to promote it on")


async def _train(
    place: Path, url: str | None, key: str, rows_file: Path | None, holdout: float
) -> tuple[Manifest, bool]:
    created_ms = time.time_ns() // 1_000_000
    if url is None:
        manifest = train_and_register(_rows_of_files(place, rows_file), place, created_ms, holdout)
        return manifest, False
    async with HttpClient(url, key) as client:
        if rows_file is None:
            rows, headless = await live_rows(client)
            _say_headless(headless)
        else:
            rows = read_rows(rows_file)
        manifest = train_and_register(rows, place, created_ms, holdout)
        await promote(client, manifest.version)
    return manifest, True


def _rows_of_files(place: Path, rows_file: Path | None) -> Rows:
    if rows_file is not None:
        return read_rows(rows_file)
    if not place.is_dir():
        raise BadInput(f"{place} does not exist; name the data directory with --data-dir, or give --rows")
    rows, headless = stored_rows(place)
    _say_headless(headless)
    return rows


def _say_headless(headless: int) -> None:
    if headless:
        text = f"{headless} customers began before the kept journal and are left out; stop Kairos to train on all"
        Console(stderr=True).print(text)
