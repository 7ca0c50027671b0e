"""``python -m loadtests.locust_run SCENARIO``: one command for a whole load test, distributed or not.

It starts an installation unless ``--url`` names a server, runs Locust (headless, or with its page) with a scenario of
``loadtests/scenarios`` as locustfile, and exits 1 unless the verdict passed. The scenarios are plain locustfiles:
``locust -f loadtests/scenarios/browse.py --help`` shows what Locust itself can do with them.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from cluster.ray_environment import free_port
from loadtests.locust_run.command import Wanted, locust_command, worker_command
from loadtests.users.options import KEY_VARIABLE
from models.errors import KairosError

_SCENARIOS: Final = Path(__file__).resolve().parent.parent / "scenarios"
#: Seconds of a run that does not say.
_SECONDS: Final = {"soak": 3_600.0, "scorer_down": 60.0, "chaos": 75.0}
_SECONDS_ELSE: Final = 30.0
_WORKER_END_S: Final = 30.0
#: How many interrupts it takes to go without a verdict.
_PATIENCE: Final = 3

Scenario = StrEnum("Scenario", [one.stem for one in sorted(_SCENARIOS.glob("[!_]*.py"))])  # type: ignore[misc]
Url = Annotated[str, typer.Option(help="A server; without it an installation is started, and stopped at the end.")]
Key = Annotated[str, typer.Option(help=f"Its key, or @FILE that holds it [${KEY_VARIABLE}].")]
Users = Annotated[int, typer.Option(help="Users; in an open loop the most that are in a call at once.")]
Rate = Annotated[float, typer.Option(help="Open loop: calls per second, planned whatever the answers do.")]
Arrivals = Annotated[str, typer.Option(help="Open loop: poisson or uniform.")]
Seconds = Annotated[float, typer.Option(help="How long [30; soak 3600, scorer_down 60, chaos 75].")]
Page = Annotated[bool, typer.Option("--page", help="Locust's page on 127.0.0.1:8089 instead of headless.")]
Stream = Annotated[bool, typer.Option("--stream", help="Over the stream instead of HTTP.")]
Workers = Annotated[int, typer.Option(help="Worker processes on this machine; 0: one process does all.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write the verdict there.")]
Customers = Annotated[int, typer.Option(help="Simulated customers, over all workers.")]
Think = Annotated[float, typer.Option(help="Mean think time in seconds (closed loop).")]
Cap = Annotated[list[str], typer.Option(help="BUDGET=UNITS: so many free units for the run (flash_sale).")]
ErrorsMax = Annotated[float, typer.Option(help="Share of calls that may fail.")]
DataDir = Annotated[Path | None, typer.Option(help="The server's data directory here: shows CPU and memory.")]
MayKill = Annotated[bool, typer.Option("--may-kill", help="Let processes of that installation be killed.")]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    scenario: Scenario, url: Url = "", key: Key = "", users: Users = 0, rate: Rate = 0.0,
    arrivals: Arrivals = "poisson", seconds: Seconds = 0.0, page: Page = False, stream: Stream = False,
    workers: Workers = 0, json: Json = None, customers: Customers = 0, think: Think = -1.0, cap: Cap = [],  # noqa: B006
    errors_max: ErrorsMax = 0.0, data_dir: DataDir = None, may_kill: MayKill = False,
) -> None:
    """Load a server as a scenario does, and say whether it kept its promises."""
    wanted = Wanted(
        locustfile=_SCENARIOS / f"{scenario.value}.py", url=url, users=users, rate=rate, arrivals=arrivals,
        seconds=seconds or _SECONDS.get(scenario.value, _SECONDS_ELSE), page=page, stream=stream, workers=workers,
        json=json, customers=customers, think=think, caps=tuple(cap), errors_max=errors_max, data_dir=data_dir,
        may_kill=may_kill,
    )
    environment = {**os.environ, **({KEY_VARIABLE: key} if key else {})}
    try:
        with contextlib.ExitStack() as stack:
            if not url:
                # The engine is imported only by who starts one.
                from loadtests.locust_run.own import own_installation

                own = stack.enter_context(own_installation(flash=scenario.value == "flash_sale", say=_say))
                wanted = wanted.against(own.url, own.data_dir)
                environment[KEY_VARIABLE] = own.key
            status = run(wanted, environment)
    except KairosError as error:
        typer.echo(f"load test: {error}", err=True)
        status = 1
    raise typer.Exit(status)


def run(wanted: Wanted, environment: dict[str, str]) -> int:
    """Locust, and workers if there are to be any; the exit status of the process that leads."""
    port = free_port()
    workers = [
        # In sessions of their own: Ctrl-C is for the leader, which ends them when they have reported.
        subprocess.Popen(worker_command(wanted, port), env=environment, cwd=_ROOT, start_new_session=True)
        for _ in range(wanted.workers)
    ]
    try:
        return _status(subprocess.Popen(locust_command(wanted, port), env=environment, cwd=_ROOT))
    finally:
        _end(workers)


_ROOT: Final = _SCENARIOS.parent.parent


def _status(leader: subprocess.Popen[bytes]) -> int:
    """Its exit status. Ctrl-C reaches it too, and it has a verdict to give first; who insists ends it."""
    for _ in range(_PATIENCE):
        try:
            return leader.wait()
        except KeyboardInterrupt:
            _say("ending the run; its verdict follows")
    leader.kill()
    return leader.wait()


def _end(workers: Sequence[subprocess.Popen[bytes]]) -> None:
    """They leave when the leader does; who does not is ended."""
    for worker in workers:
        try:
            worker.wait(_WORKER_END_S)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def _say(line: str) -> None:
    print(f"load test: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    app()
