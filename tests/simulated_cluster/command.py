"""``python -m tests.simulated_cluster``: seeds by the million, or one of them, told aloud."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence

from simulated_cluster.planted import PLANTED
from simulated_cluster.seeds import Tally, tell_all
from simulated_cluster.world import tell


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parse(arguments)
    if asked.seed is not None:
        return _one(asked)
    started = time.monotonic()

    def progress(tally: Tally) -> None:
        if not asked.json:
            rate = tally.seeds / max(0.001, time.monotonic() - started)
            said = f"\r{tally.seeds:,} of {asked.seeds:,} seeds, {rate:,.0f} a second"
            sys.stderr.write(said)
            sys.stderr.flush()

    tally = tell_all(asked.from_, asked.seeds, asked.jobs, asked.planted, progress)
    _report(asked, tally, time.monotonic() - started)
    return 1 if tally.failed else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.simulated_cluster", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000, help="how many")
    parser.add_argument("--from", dest="from_", type=int, default=0, metavar="S", help="the first")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--json", action="store_true", help="report as JSON")
    parser.add_argument("--planted", default="", choices=list(PLANTED), metavar="BUG",
                        help=f"with a bug in the product: {', '.join(filter(None, PLANTED))}")
    parser.add_argument("--seed", type=int, help="tell this one alone")
    parser.add_argument("--trace", action="store_true", help="every event of --seed")
    return parser.parse_args(arguments)


def _one(asked: argparse.Namespace) -> int:
    with PLANTED[asked.planted].planted():
        story = tell(asked.seed, _say if asked.trace else None)
    if asked.json:
        _say(json.dumps({"seed": story.seed, "hash": story.hash, "error": story.error, "seen": story.seen}))
    else:
        _say(f"seed {story.seed}: {story.detail or 'every promise held'}\nstory {story.hash}, {story.steps} events")
    return 1 if story.error else 0


def _report(asked: argparse.Namespace, tally: Tally, took_s: float) -> None:
    if asked.json:
        failed = [{"seed": one.seed, "error": one.error, "hash": one.hash} for one in tally.failed]
        _say(json.dumps({
            "seeds": tally.seeds, "from": asked.from_, "seconds": round(took_s, 1),
            "cpu_seconds": round(tally.cpu_s, 1), "seen": dict(sorted(tally.seen.items())), "failed": failed,
        }))
        return
    _say(f"\n{tally.seeds:,} seeds from {asked.from_} in {took_s:.0f} s ({tally.cpu_s:.0f} s of CPU)")
    for kind, count in sorted(tally.seen.items()):
        _say(f"  {count:>12,} {kind}")
    for story in tally.failed[:1]:
        more = f" --planted {asked.planted}" if asked.planted else ""
        _say(f"\nseed {story.seed} fails: {story.error}\n{story.detail}\nreplay it exactly:"
              f"\n  python -m tests.simulated_cluster --seed {story.seed} --trace{more}")
