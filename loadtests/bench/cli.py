"""``make bench``: measure, print the table, write ``loadtests/results`` (JSON, Markdown, plots)."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from loadtests.bench import http_figures, in_process, machine, plots, results, sessions, start, tables
from loadtests.bench.workloads import MEASURED_ONCE, SUITES, needed
from models.errors import KairosError

RESULTS = Path(__file__).parents[1] / "results"
NAMES = (*SUITES, *in_process.IN_PROCESS, "start")
SCORERS = ("serve", "in_process")
ROUNDS, SECONDS = 5, 5.0
_QUICK = (2, 1.0)


def main() -> None:
    options = _options()
    quick_rounds, quick_s = _QUICK
    rounds = options.rounds or (quick_rounds if options.quick else ROUNDS)
    folder = options.results or (Path(tempfile.mkdtemp(prefix="kairos-bench-")) if options.quick else RESULTS)
    try:
        found = _measure(options, rounds, quick_s if options.quick else options.seconds)
    except KairosError as error:
        sys.exit(f"make bench: {error}")
    suites = _ordered({**results.read(folder), **found})
    results.write(folder, suites)
    (folder / "figures.md").write_text(tables.page(suites))
    plots.draw(suites, folder)
    print(json.dumps(found) if options.json else tables.page(_ordered(found)))
    print(f"written: {folder}", file=sys.stderr)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"which suites; all without a name: {', '.join(NAMES)}")
    parser.add_argument("--rounds", type=int, help=f"interleaved rounds; {ROUNDS} without it")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each workload in each round")
    parser.add_argument("--scorer", choices=SCORERS, action="append", help="where rows are scored; both without it")
    parser.add_argument("--quick", action="store_true", help="to see that it runs: short rounds, other results folder")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the tables")
    parser.add_argument("--results", type=Path, help=f"where to write; {RESULTS.name} beside the benchmarks without it")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        parser.error(f"unknown suite {unknown[0]!r}; known: {', '.join(NAMES)}")
    return options


def _measure(options: argparse.Namespace, rounds: int, seconds: float) -> dict[str, Any]:
    names = options.names or list(NAMES)
    here = machine.described()
    found: dict[str, Any] = {}
    for name in [name for name in names if name in in_process.IN_PROCESS]:
        told, figures = in_process.run(name, options.quick)
        found[name] = results.suite_result(figures, here, _command(name), {}) | {"found": told}
    if "start" in names:
        taken = start.run(min(rounds, start.ROUNDS))
        found["start"] = results.suite_result(start.figures(taken), here, _command("start"), {}) | {"found": taken}
    networked = [name for name in names if name in SUITES]
    without: frozenset[str] = frozenset()
    for scorer in (options.scorer or SCORERS) if networked else ():
        found |= _session(networked, scorer, rounds, seconds, here, without)
        without = MEASURED_ONCE
    return found


def _session(
    names: list[str], scorer: str, rounds: int, seconds: float, here: dict[str, Any], without: frozenset[str],
) -> dict[str, Any]:
    """One installation, one set of references, all these suites interleaved."""
    workloads = [workload for workload in needed(names) if workload.name not in without]
    session = sessions.run(workloads, scorer, rounds, seconds)
    found = {}
    for name in names:
        own = {workload: session.rounds[workload] for workload in SUITES[name] if workload in session.rounds}
        figures = http_figures.of_suite(name, own)
        if name == "console":
            figures += http_figures.of_consoles(session.seen)
        if scorer != "serve":
            figures = http_figures.elsewhere(figures)
        found[f"{name}/{scorer}"] = results.suite_result(
            figures, here, _command(f'"{name} --scorer {scorer}"'), session.facts, own,
        )
    return found


def _command(arguments: str) -> str:
    return f"make bench ARGS={arguments}"


def _ordered(suites: dict[str, Any]) -> dict[str, Any]:
    """The network first, the default scorer before the other."""
    order = [f"{name}/{scorer}" for scorer in SCORERS for name in SUITES] + list(NAMES)
    return {name: suites[name] for name in order if name in suites}
