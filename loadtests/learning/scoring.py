"""Scores in the turn, calibrated and asked as a shard asks for them, in turn with bare ``inplace_predict`` on the same
rows: in its own process as a ratio, over the link to Serve's replica as milliseconds above."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from loadtests import scorer
from loadtests.bench import machine

RESULTS: Final = Path(__file__).parents[1] / "results" / "scoring.json"


def run() -> dict[str, Any]:
    here = machine.described()
    return {"machine": here, **scorer.run()}


def main(arguments: list[str]) -> None:
    """``scoring``: prints the figures and writes ``results/scoring.json``; the same run as ``make bench ARGS=scorer``,
    which keeps its figures among those of the other suites."""
    found = json.dumps(run(), indent=1)
    RESULTS.write_text(found + "\n")
    print(found)
    print(f"written: {RESULTS}", file=sys.stderr)
