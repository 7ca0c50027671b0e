"""``python -m loadtests.bench.generator PLAN``: prepare, wait for a line on standard input, load, print the result.

Between the two the parent reads the servers' clocks, so that preparing is in nobody's figure.
"""

from __future__ import annotations

import gc
import sys

from loadtests.bench.generator.loops import at_rate, closed, streamed
from loadtests.bench.generator.plan import Plan
from loadtests.bench.generator.sources import prepare


def main() -> None:
    plan = Plan.from_json(sys.argv[1])
    requests = prepare(plan)
    gc.collect()
    gc.freeze()
    gc.disable()
    print("prepared", flush=True)
    sys.stdin.readline()
    run = {"closed": closed, "open": at_rate, "stream": streamed}[plan.mode]
    print(run(plan, requests).to_json(), flush=True)


if __name__ == "__main__":
    main()
