"""``kairos train``."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from actors.access import read_admin_key
from actors.stores.interface import Store
from cluster.cli import training_tables
from cluster.cli.options import AsJson, DataDir, Key, Url, data_dir_of, live_url, store_at
from cluster.client import AsyncKairos
from cluster.journal_rows import Progress as RowsRead
from cluster.journal_rows import rows_of
from cluster.journal_source import open_journals
from cluster.many_rows.session import train_on_ray
from cluster.reports import FOLDER
from cluster.target_journal import target_rows_of
from cluster.training import Stopwatch, promote, read_rows, register
from models.errors import BadInput
from models.scoring import training
from models.scoring.rows import Rows
from models.scoring.targets import check_tells_apart, definition
from models.scoring.training import HOLDOUT_DEFAULT, Trained, Watch


def train(
    data_dir: DataDir = None, url: Url = None, key: Key = None,
    rows: Annotated[
        Path | None, typer.Option(help="Learn from this Parquet file or folder, not the journal.", exists=True)
    ] = None,
    target: Annotated[
        str, typer.Option(help="Learn this target of the catalog from the journal, in place of acceptance.")
    ] = "",
    holdout: Annotated[
        float, typer.Option(help="Share of the latest rows that only judge; of those before that calibrate; and so on.")
    ] = HOLDOUT_DEFAULT,
    every_feature: Annotated[bool, typer.Option("--every-feature", help="Drop none, helpful or not.")] = False,
    no_promote: Annotated[bool, typer.Option("--no-promote", help="Register it, and leave the champion be.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Folder for report.json and calibration.png [DATA_DIR/reports/VERSION].")
    ] = None,
    threads: Annotated[int, typer.Option(min=0, help="Of the training; 0: one less than there are cores.")] = 0,
    ray: Annotated[bool, typer.Option("--ray", help="Let workers of a Ray cluster read --rows and grow.")] = False,
    address: Annotated[
        str | None, typer.Option(help="That cluster, which reaches --rows [one started here, for as long].")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="How many of them, each with --threads cores.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Train a scorer on what was shown and accepted, register it, and promote it on a live server.

    From the journal: one row per shown item, features as of its decision, labelled when its accept window has ended.
    From --rows, what `kairos export` wrote, or columns of your own: time_ms (when chosen), action, label (0 or 1),
    optional label_time_ms (when the label was final), weight and channel; columns that begin with profile., attribute.,
    time., channel., action., group., issue. or tag. are features, all others are not read.

    With --target, what `targets:` in the catalog declares: customers as they were now and then, labelled by what
    followed within the target's time; its scores are profile.scores.TARGET in rules.

    The split is by time: the oldest rows train, the next stop the growth and weigh features (what does not help is
    dropped, and named), the next calibrate, the latest judge. The scorer that is registered is made in the same steps,
    one part later, so that only its calibration has seen the latest rows.

    With --ray no process holds all rows, and trees grow on all of them; features are selected, and scores calibrated
    and judged, on a million rows, drawn by their hashes (all rows, where there are fewer). One worker gives the scorer
    that training without --ray gives then, to the byte; several ones draw the rows of each tree otherwise.
    """
    if (ray and (rows is None or target)) or (not ray and (address is not None or workers > 1)):
        raise typer.BadParameter("--ray goes with --rows, without --target; --address and --workers go with --ray")
    place = data_dir_of(data_dir)
    live = url or live_url(place)
    bearer = "" if live is None else key or os.environ.get("KAIROS_KEY") or read_admin_key(place)
    store = store_at(data_dir)
    with _progress(quiet=as_json) as watch:
        stopwatch = Stopwatch(watch)
        how: dict[str, Any] = {
            "holdout": holdout, "threads": threads or _spare_cores(), "watch": stopwatch,
            "every_feature": every_feature,
        }
        if target:
            trained = _of_target(store, live, bearer, target, rows, how)
        elif ray and rows is not None:
            trained = train_on_ray(rows, place, _now_ms(), address=address, workers=workers, **how)
        else:
            learnt_from = _from_journals(store, live, bearer, stopwatch) if rows is None else read_rows(
                rows, watch=lambda done, of: stopwatch("reading", done, of))
            trained = training.train(learnt_from, _now_ms(), **how)
    folder = report or place / FOLDER / trained.manifest.version
    told = {**trained.report, "seconds": stopwatch.lap(), "promoted": False, "report_folder": str(folder)}
    register(trained, store.scorers(), folder, told["seconds"])
    if live is not None and not no_promote:
        asyncio.run(_promote(live, bearer, trained.manifest.version))
        told["promoted"] = True
    unserved = "left as it is" if no_promote else f"registered in {store.place}; nothing runs there to promote it on"
    _tell(told, as_json, "promoted on the live server" if told["promoted"] else unserved)


def _tell(told: dict[str, Any], as_json: bool, whereabouts: str) -> None:
    if as_json:
        print(json.dumps(told))
        return
    training_tables.print_report(told, Console())
    print(whereabouts)


def _of_target(
    store: Store, live: str | None, key: str, target_id: str, rows: Path | None, how: dict[str, Any]
) -> Trained:
    """Where the best of several options is looked for, only the order of their chances counts."""
    if rows is not None:
        raise BadInput("a target is learnt from the journal; leave --rows out, or --target")
    watch: Watch = how["watch"]
    watch("reading", 0, 1)
    with open_journals(store, live, key) as source:
        target, learnt_from, headless = target_rows_of(source, target_id, _told(watch))
    _say_headless(headless)
    trained = training.train(
        learnt_from, _now_ms(), target=target.id, objective=target.objective,
        calibrated=target.predict not in ("hour", "channel"), **how,
    )
    check_tells_apart(target, trained.manifest.features)
    return replace(trained, manifest=trained.manifest.model_copy(update={"asks": definition(target)}))


def _spare_cores() -> int:
    """One is left to whoever serves here: threads that share cores with others wait for each other, many times over."""
    return max(1, len(os.sched_getaffinity(0)) - 1)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _told(watch: Watch) -> RowsRead:
    return lambda shard, row, last: watch(f"reading shard {shard}", row, max(last, row))


def _say_headless(headless: int) -> None:
    if headless:
        Console(stderr=True).print(f"{headless} customers are left out: the journal lacks their beginning")


def _from_journals(store: Store, live: str | None, key: str, watch: Watch) -> Rows:
    watch("reading", 0, 1)
    with open_journals(store, live, key) as source:
        rows, headless = rows_of(source, _told(watch))
    _say_headless(headless)
    return rows


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Watch]:
    """A line on standard error for each stage."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<22}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
               TimeElapsedColumn())
    with Progress(*columns, console=console, disable=quiet or not sys.stderr.isatty()) as bars:
        tasks: dict[str, int] = {}

        def watch(stage: str, done: int, of: int) -> None:
            if stage not in tasks:
                for task in tasks.values():
                    bars.stop_task(task)  # type: ignore[arg-type]
                tasks[stage] = bars.add_task(stage, total=of)
            bars.update(tasks[stage], completed=done, total=of)  # type: ignore[arg-type]

        yield watch


async def _promote(url: str, key: str, version: str) -> None:
    async with AsyncKairos(url, key) as client:
        await promote(client, version)
