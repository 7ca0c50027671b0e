"""``python -m tests.broken_builds [--only N] [--json]``: does a test fail for each build that is broken on purpose?

Ends with status 1 when a broken build survives or does not even run, or when a named test fails on the sound build.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import track
from rich.table import Table

from .builds import BUILDS, INVARIANTS, Build
from .workshop import Verdict, Workshop, WorkshopError

#: Columns of the table where there is no terminal.
_WIDTH: Final = 160


@dataclass(frozen=True)
class Tried:
    build: Build
    verdict: Verdict
    seconds: float

    @property
    def said(self) -> str:
        """Which test caught it, or why none did."""
        if self.verdict.failed:
            return self.verdict.failed[0][0]
        trouble = "; ".join(f"{test}: {said}" for test, said in self.verdict.errors)
        return f"NO VERDICT: {trouble}" if trouble else "SURVIVED"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.broken_builds", description=__doc__)
    parser.add_argument("--only", type=int, action="append", choices=sorted(INVARIANTS), help="this invariant's builds")
    parser.add_argument("--json", action="store_true", help="the result as JSON on standard output")
    asked = parser.parse_args()
    builds = [build for build in BUILDS if not asked.only or build.invariant in asked.only]
    console = Console(stderr=asked.json, width=None if sys.stdout.isatty() else _WIDTH)
    try:
        with tempfile.TemporaryDirectory(prefix="broken-builds-") as directory:
            tried = _try_all(Workshop(Path(directory).resolve()), builds, console)
    except WorkshopError as error:
        console.print(str(error), style="red", markup=False)
        return 1
    if asked.json:
        sys.stdout.write(json.dumps([_plain(one) for one in tried], indent=1) + "\n")
    else:
        console.print(_table(tried))
    survivors = [one for one in tried if not one.verdict.is_caught]
    console.print(f"{len(tried)} broken builds, {len(tried) - len(survivors)} caught, {len(survivors)} not.")
    return 1 if survivors else 0


def _try_all(workshop: Workshop, builds: list[Build], console: Console) -> list[Tried]:
    """The sound build first: a test that fails on it proves nothing."""
    for build in builds:
        workshop.check(build)
    console.print("The named tests on the sound build ...")
    tests = list(dict.fromkeys(test for build in builds for test in build.caught_by))
    sound = workshop.test(tests)
    if sound.failed or sound.errors or not sound.passed:
        raise WorkshopError(f"on the sound build: {[*sound.failed, *sound.errors] or 'no test ran'}")
    tried = []
    for build in track(builds, "Breaking", console=console, transient=True):
        started = time.monotonic()
        with workshop.broken(build):
            verdict = workshop.test(build.caught_by)
        tried.append(Tried(build, verdict, time.monotonic() - started))
    return tried


def _table(tried: list[Tried]) -> Table:
    table = Table("Invariant", "Break", "Caught by", "s", show_lines=False)
    for one in tried:
        style = "" if one.verdict.is_caught else "bold red"
        test = one.said.removeprefix("tests/").replace("::", " :: ")
        table.add_row(str(one.build.invariant), one.build.breaks, test, f"{one.seconds:.0f}", style=style)
    return table


def _plain(one: Tried) -> dict[str, object]:
    return {
        "invariant": one.build.invariant, "sentence": INVARIANTS[one.build.invariant], "break": one.build.breaks,
        "file": one.build.file, "caught": one.verdict.is_caught, "caught_by": one.said,
        "said": one.verdict.failed[0][1] if one.verdict.failed else "", "seconds": round(one.seconds, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
