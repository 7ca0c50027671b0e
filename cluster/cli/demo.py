"""``kairos demo``."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cluster import launch
from cluster.cli.options import AsJson, live_url
from cluster.console.asking import ask_for_link
from cluster.demo import report, stages
from cluster.demo.journey import data_folder, read_journey
from cluster.settings import SQLITE, load_settings
from cluster.supervise import wait_for_signal
from models.errors import BadInput, KairosError
from models.times import format_time

_DATA_DIR = Path(".kairos-demo")
#: Marks a data directory that the demo made, and may make anew.
_MARK = "made-by-the-demo"
_HOUSEHOLDS = "300"


def demo(
    households: Annotated[str, typer.Option(help="How many households are replayed, or: all.")] = _HOUSEHOLDS,
    leave: Annotated[bool, typer.Option("--exit", help="End after the report instead of serving on.")] = False,
    chaos: Annotated[bool, typer.Option("--chaos", help="kill -9 a shard in mid-replay.")] = False,
    data_dir: Annotated[Path, typer.Option(help="Made anew at each run.")] = _DATA_DIR,
    port: Annotated[int | None, typer.Option(help="Port of the API [8000].")] = None,
    as_json: AsJson = False,
) -> None:
    """Real grocery households, end to end: train on old campaigns, replay the rest of the year, report, serve on.

    Exit status 1 if a cap was violated, a budget overspent or an acknowledged event lost.
    """
    wanted = _count(households)
    # Ray writes what it has to say to standard output; with --json that belongs to the report alone.
    output = sys.stdout

    def show(body: dict[str, Any]) -> None:
        if as_json:
            print(json.dumps(body, indent=2), file=output, flush=True)
        else:
            report.print_report(body, Console(file=output))

    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        is_clean = _run(wanted, data_dir, port, show, leave=leave, chaos=chaos)
    if not is_clean:
        raise KairosError("a promise was broken; see `promises` in the report")


def _run(
    wanted: int | None, data_dir: Path, port: int | None, show: Callable[[dict[str, Any]], None], *, leave: bool,
    chaos: bool,
) -> bool:
    """Everything from the data to the report; True when every promise was kept."""
    begun_s = time.perf_counter()
    folder = data_folder()
    console = Console(stderr=True)
    bars = _Bars(console)

    def say(line: str) -> None:
        console.print(f"[dim]{line}[/dim]")

    _make_anew(data_dir)
    clock = f"manual:{format_time(stages.CUT_OFF_MS)}"
    settings = load_settings(data_dir=data_dir, port=port, store=SQLITE, clock=clock)
    with console.status("load: reading 1.5 million lines of 2,469 households"):
        cast = stages.cast(read_journey(folder), wanted)
    console.print(f"load: {len(cast.households):,} of {len(cast.journey.households):,} households that were mailed")
    manifest, judged = stages.train(cast, settings.data_dir, bars.open)
    running = launch.start(settings, say)
    try:
        played = asyncio.run(stages.play(
            cast, manifest, judged, settings.data_dir, running.url, running.key, bars.open, chaos=chaos,
            begun_s=begun_s,
        ))
        show(report.report(played))
        if not leave:
            console.print(f"[bold]serving on[/bold] {running.url}/docs  (key: kairos key --data-dir {data_dir})")
            _show_console(console, running, data_dir)
            wait_for_signal(running, console.print)
    finally:
        running.stop(say)
    return played.verdict.is_clean


def _show_console(console: Console, running: launch.Running, data_dir: Path) -> None:
    """A link, where there is a console to open."""
    if not running.settings.console:
        return
    try:
        link = ask_for_link(running.url, running.key)
    except KairosError as error:
        console.print(f"the console: {error}", soft_wrap=True)
        return
    console.print(f"[bold]console[/bold] {link.url}", soft_wrap=True)
    console.print(f"         opens once, until {link.expires}; another: kairos console --data-dir {data_dir}")


def _count(households: str) -> int | None:
    if households == "all":
        return None
    if not households.isdecimal() or int(households) < 1:
        raise BadInput(f"--households {households!r} is neither a number from 1 on nor: all")
    return int(households)


def _make_anew(data_dir: Path) -> None:
    """A replay needs a clock that has not run: each run starts on an empty directory, and removes only its own."""
    if data_dir.exists() and any(data_dir.iterdir()):
        if not (data_dir / _MARK).exists():
            raise BadInput(f"{data_dir} holds something that the demo did not make; name another with --data-dir")
        if live_url(data_dir) is not None:
            raise KairosError(f"a demo still runs in {data_dir}; stop it with `kairos down --data-dir {data_dir}`")
        shutil.rmtree(data_dir)
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    (data_dir / _MARK).touch()


class _Bar:
    def __init__(self, bars: Progress, total: int, title: str) -> None:
        self._bars = bars
        self._task = bars.add_task(title, total=total)

    def advance(self) -> None:
        self._bars.advance(self._task)

    def reach(self, done: int) -> None:
        self._bars.update(self._task, completed=done)


class _Bars:
    """One bar at a time, on standard error."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def open(self, title: str, total: int) -> Iterator[_Bar]:
        columns = (
            TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._console) as bars:
            yield _Bar(bars, total, title)
