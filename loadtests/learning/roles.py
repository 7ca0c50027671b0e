"""Roles of scorers change about once a second while 64 connections decide: does anybody notice?

An installation of its own with three scorers, the load of ``make bench ARGS=http``, and meanwhile shadow, canaries of
several shares, promotion, roll-back, retirement, over the public API. Each answer is kept with its moment and scorer.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

import httpx

from actors.scorer_registry import ScorerRegistry
from cluster.ray_environment import free_port
from loadtests.bench import machine
from loadtests.bench.generator import traces
from loadtests.bench.measuring import Round, measure
from loadtests.bench.seeding import seed
from loadtests.bench.servers import Server
from loadtests.bench.workloads import WORKLOADS
from loadtests.learning import role_figures
from loadtests.learning.role_changes import Roles
from loadtests.trees import register_scorer

RESULTS: Final = Path(__file__).parents[1] / "results" / "roles.json"
SECONDS: Final = 60.0
_WARM_S: Final = 5.0
#: No machine of the figures answers more.
_PER_S_MAX: Final = 4_000
_REGISTERED_WITHIN_S: Final = 60.0


def main(arguments: list[str]) -> None:
    """``roles [--seconds S] [--scorer serve|in_process]``: prints the figures and writes ``results/roles.json``."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.learning roles", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of load")
    parser.add_argument("--scorer", choices=("serve", "in_process"), default="serve", help="where rows are scored")
    options = parser.parse_args(arguments)
    found = json.dumps(run(options.seconds, options.scorer), indent=1)
    RESULTS.write_text(found + "\n")
    print(found)
    print(f"written: {RESULTS}", file=sys.stderr)


def run(seconds: float = SECONDS, scorer: str = "serve") -> dict[str, Any]:
    here = machine.described()
    with tempfile.TemporaryDirectory(prefix="kairos-bench-") as place:
        folder = Path(place)
        with Server("loadtests.bench.installation", free_port(), scorer, folder) as server:
            seed(server.port, server.facts["key"])
            headers = {"authorization": f"Bearer {server.facts['key']}"}
            with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", headers=headers, timeout=60) as api:
                roles = Roles(api, _registered(api, folder / "data"))
                found = _studied(server, roles, folder, seconds)
    return {"machine": here, "scorer": scorer, "seconds": seconds, **found}


def _registered(api: httpx.Client, data_dir: Path) -> tuple[str, str, str]:
    """The champion that the installation came with, and two more."""
    others = [register_scorer(ScorerRegistry(data_dir), number, calibrated=True) for number in (2, 3)]
    deadline = time.monotonic() + _REGISTERED_WITHIN_S
    while not set(others) <= {one["version"] for one in _scorers(api)["scorers"]}:
        if time.monotonic() > deadline:
            raise TimeoutError("the coordinator has not found the registered scorers")
        time.sleep(0.2)
    return _scorers(api)["champion"], others[0], others[1]


def _scorers(api: httpx.Client) -> dict[str, Any]:
    answer: dict[str, Any] = api.get("/v1/scorers").raise_for_status().json()
    return answer


def _studied(server: Server, roles: Roles, folder: Path, seconds: float) -> dict[str, Any]:
    _load(server, _WARM_S, "")
    standing, trace = roles.now, folder / "answers.jsonl"
    rounds: list[Round] = []
    load = threading.Thread(target=lambda: rounds.append(_load(server, seconds, str(trace))))
    load.start()
    changes = list(takewhile(lambda _: load.is_alive() and not trace.exists(), roles.changes()))
    load.join()
    (measured,), said, told = rounds, roles.now, roles.standing()
    assert (told.champion, told.canary, told.share) == (said.champion, said.canary, said.share)
    return {
        **role_figures.figures(standing, changes, list(traces.read(trace))), "errors": measured.result.errors,
        "refused_changes": roles.refused, "changes_adopted_late": roles.late, "per_s": measured.per_s,
        "generator_cpu": measured.result.generator_cpu,
    }


def _load(server: Server, seconds: float, trace: str) -> Round:
    plan = WORKLOADS["decisions"].plan(server.port, server.facts["key"], seconds)
    return measure(replace(plan, count=int(_PER_S_MAX * seconds), trace=trace), server.pid)
