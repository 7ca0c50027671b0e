"""Measure, simulate, print the table; see the package."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from loadtests.scale_out.measured import measure
from loadtests.scale_out.report import NODES, STORE_CORES, simulate, table


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m loadtests.scale_out", description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=list(NODES), help="how many machines, each in turn")
    parser.add_argument("--store", default="sqlite", help="what appends are measured on: sqlite, or postgresql://...")
    parser.add_argument("--store-cores", type=int, default=STORE_CORES, help="of the store's own machine")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    options = parser.parse_args()
    if min(options.nodes) < 1:
        parser.error("at least one machine")

    def say(line: str) -> None:
        print(line, file=sys.stderr)

    times = measure(options.store, say)
    outcomes = simulate(times, options.nodes, options.store_cores, say)
    if options.json:
        print(json.dumps({"service_times": asdict(times), "outcomes": [asdict(one) for one in outcomes]}))
    else:
        print(table(times, outcomes))


if __name__ == "__main__":
    main()
