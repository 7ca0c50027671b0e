"""``kairos up`` and ``down``."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from actors.postgresql.address import without_password
from cluster import joining, launch, runfile
from cluster.cli.options import DataDir, data_dir_of
from cluster.listeners import listeners
from cluster.settings import Settings, load_settings
from cluster.supervise import wait_for_signal
from models.errors import KairosError

_DOWN_WAIT_S = 120.0
_DETACH_WAIT_S = 240.0
_POLL_S = 0.1
#: After Ray died under a serving installation, starting is tried this often.
_RESTARTS_IN_A_ROW = 5


def up(
    data_dir: DataDir = None,
    host: Annotated[str | None, typer.Option(help="Interface of the API [127.0.0.1].")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the API [8000].")] = None,
    shards: Annotated[int | None, typer.Option(help="At the first start only [2; 16 on PostgreSQL].")] = None,
    store: Annotated[
        str | None, typer.Option(help="Where journals live: sqlite, or postgresql://USER@HOST/DATABASE [sqlite].")
    ] = None,
    catalog: Annotated[Path | None, typer.Option(help="Publish this catalog [the packaged example, once].")] = None,
    clock: Annotated[str | None, typer.Option(help="wall, or manual:TIME (RFC 3339) [wall].")] = None,
    address: Annotated[str | None, typer.Option(help="Join this Ray cluster [start one].")] = None,
    console: Annotated[
        bool | None, typer.Option("--console/--no-console", help="Pages for people, under /console [with them].")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return when it is ready.")] = False,
) -> None:
    """Start Kairos; in the foreground until interrupted, then drain.

    With --address an installation lives on that cluster, and outlives this process if it is killed.
    """
    settings = load_settings(
        data_dir=data_dir, host=host, port=port, shards=shards, store=store, catalog=catalog, clock=clock,
        address=address, console=console,
    )
    if detach:
        _start_detached(settings)
        return
    screen = Console(stderr=True)
    if settings.address is not None:
        joining.run(settings, lambda line: _dim(screen, line), lambda: _print_where(screen, settings))
        return
    try:
        running = launch.start(settings, lambda line: _dim(screen, line))
    except KairosError as error:
        if not 0 < launch.restarts() < _RESTARTS_IN_A_ROW:
            raise
        screen.print(f"{error}; once more")
        launch.start_again()
    launch.stands()
    _print_ready(screen, running)
    _print_where(screen, settings)
    if not wait_for_signal(running, screen.print):
        launch.start_again()
    running.stop(screen.print)


def _print_ready(console: Console, running: launch.Running) -> None:
    table = Table(title="what listens where", title_justify="left")
    for name in ("address", "process", "purpose"):
        table.add_column(name)
    for one in listeners(running.settings.port):
        table.add_row(f"{one.address}:{one.port}", one.process, one.purpose)
    console.print(table)


def _dim(console: Console, line: str) -> None:
    console.print(f"[dim]{line}[/dim]", soft_wrap=True)


def _print_where(console: Console, settings: Settings) -> None:
    place = settings.data_dir
    console.print(f"[bold]ready[/bold]  {settings.url}  (docs: {settings.url}/docs)")
    if settings.console:
        console.print(f"console: kairos console --data-dir {place} prints a link that opens it")
    console.print(f"key: kairos key --data-dir {place}    stop: Ctrl-C, or kairos down --data-dir {place}")


def _start_detached(settings: Settings) -> None:
    arguments = [without_password(argument) for argument in sys.argv[1:] if argument != "--detach"]
    log = settings.data_dir / "up.log"
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with log.open("ab") as output:
        start = output.tell()
        child = subprocess.Popen(
            [sys.executable, "-P", "-c", "from cluster.cli import main; main()", *arguments],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )
    deadline = time.monotonic() + _DETACH_WAIT_S
    while time.monotonic() < deadline:
        if child.poll() is not None:
            last = log.read_bytes()[start:].decode(errors="replace").strip().splitlines()
            raise KairosError((last[-1] if last else f"it ended with status {child.returncode}") + f" (see {log})")
        run = runfile.read_run(settings.data_dir)
        if run is not None and run.ready and run.up.pid == child.pid:
            print(f"ready  {run.url}  pid {child.pid}  log {log}")
            if settings.console:
                print(f"console: kairos console --data-dir {settings.data_dir} prints a link that opens it")
            return
        time.sleep(_POLL_S)
    raise KairosError(f"not ready after {_DETACH_WAIT_S:.0f} s; see {log}")


def down(
    data_dir: DataDir = None,
    address: Annotated[str | None, typer.Option(help="The Ray cluster, where no `kairos up` runs here.")] = None,
) -> None:
    """Drain and stop the Kairos that runs in a data directory, or on a cluster."""
    place = data_dir_of(data_dir)
    run = runfile.read_run(place)
    process = run.up.find() if run is not None else None
    joined = address or (run.address if run is not None else None)
    if process is None and joined is not None:
        joining.drain(load_settings(data_dir=data_dir, address=joined), print)
        return
    if run is None or process is None:
        if run is not None and runfile.end_leftovers(run):
            runfile.forget_run(place)
            print("Kairos had been killed; ended what it left behind")
            return
        raise KairosError(f"no Kairos runs in {place}")
    process.terminate()
    deadline = time.monotonic() + _DOWN_WAIT_S
    while run.up.find() is not None:
        if time.monotonic() > deadline:
            raise KairosError(f"pid {run.up.pid} still drains after {_DOWN_WAIT_S:.0f} s; look at it, or kill -9 it")
        time.sleep(_POLL_S)
    print("stopped")
