"""What a scenario can be told on Locust's own command line, besides what Locust knows (``--host``, ``--users``)."""

from __future__ import annotations

import os
import uuid
from argparse import Namespace
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests.users.arrivals import KINDS, Kind
from models.errors import BadInput

KEY_VARIABLE = "KAIROS_KEY"


@dataclass(frozen=True, slots=True)
class Options:
    url: str
    #: 0: closed loop.
    rate: float
    arrivals: Kind
    transport: str
    #: 0: until somebody stops it.
    seconds: float
    #: 0 of these three: as the scenario says.
    customers: int
    verified: int
    batch: int
    #: Negative: as the scenario says.
    think_s: float
    errors_max: float
    #: Where the server's data lie, when it runs on this machine: shows its CPU and memory.
    data_dir: Path | None
    #: Nobody else uses the server: budgets must match exactly.
    alone: bool
    #: Processes of the server may be killed.
    may_kill: bool
    caps: dict[str, int] = field(default_factory=dict)
    json: Path | None = None
    run: str = ""


def add_options(parser: Any) -> None:
    """Listener of Locust's ``init_command_line_parser``."""
    def add(name: str, **more: Any) -> None:
        parser.add_argument(name, **{"include_in_web_ui": False, **more})

    add("--key", default="", help=f"the server's key, or @FILE that holds it; else ${KEY_VARIABLE}")
    add("--rate", type=float, default=0.0, help="arrivals per second over all workers; without it: closed loop")
    add("--arrivals", choices=KINDS, default="poisson", help="how arrivals are spread")
    add("--stream", action="store_true", help="call over the stream instead of HTTP")
    add("--seconds", type=float, default=0.0, help="how long; 0: until stopped")
    add("--customers", type=int, default=0, help="how many simulated customers, over all workers")
    add("--verified", type=int, default=0, help="how many of them are checked from their timelines, per worker")
    add("--batch", type=int, default=0, help="events per call (ingest)")
    add("--think", type=float, default=-1.0, help="mean think time in seconds (closed loop)")
    add("--errors-max", type=float, default=0.0, help="share of calls that may fail")
    add("--data-dir", default="", help="the server's data directory on this machine: shows its CPU and memory")
    add("--alone", action="store_true", help="nobody else uses the server, so its budgets must match exactly")
    add("--may-kill", action="store_true", help="let scorer_down and chaos kill processes of that installation")
    add("--cap", action="append", default=[], help="BUDGET=UNITS: give this budget so many free units for the run")
    add("--verdict-json", default="", help="write the verdict there")
    add("--run-id", default="", help="part of every id; made when it is missing")


def read_options(parsed: Namespace) -> Options:
    """Of one run: without ``--run-id`` each gets an id of its own. Raises ``BadInput``."""
    if not parsed.host:
        raise BadInput("which server? give --host URL")
    if parsed.rate < 0 or parsed.seconds < 0:
        raise BadInput("--rate and --seconds are not negative")
    return Options(
        url=parsed.host.rstrip("/"), rate=parsed.rate, arrivals=parsed.arrivals,
        transport="stream" if parsed.stream else "http", seconds=parsed.seconds, customers=parsed.customers,
        verified=parsed.verified, batch=parsed.batch, think_s=parsed.think, errors_max=parsed.errors_max,
        data_dir=Path(parsed.data_dir) if parsed.data_dir else None, alone=parsed.alone, may_kill=parsed.may_kill,
        caps=dict(map(_cap, parsed.cap)), json=Path(parsed.verdict_json) if parsed.verdict_json else None,
        run=parsed.run_id or uuid.uuid4().hex[:8],
    )


def take_key(parsed: Namespace) -> str:
    """The key, which is then gone from the options: a master sends those to its workers, in the clear."""
    given: str = parsed.key or os.environ.get(KEY_VARIABLE, "")
    parsed.key = ""
    if given.startswith("@"):
        path = Path(given[1:]).expanduser()
        try:
            return path.read_text().strip()
        except OSError as error:
            raise BadInput(f"cannot read the key from {path}: {error.strerror}") from error
    if not given:
        raise BadInput(f"which key? give --key KEY, --key @FILE or ${KEY_VARIABLE}")
    return given


def _cap(text: str) -> tuple[str, int]:
    budget, _, units = text.partition("=")
    if not budget or not units.isdecimal():
        raise BadInput(f"--cap {text!r} is not BUDGET=UNITS")
    return budget, int(units)
