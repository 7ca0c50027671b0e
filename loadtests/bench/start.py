"""From the command to ready: ``kairos up --detach`` against a program that starts Serve with one echo, in turn."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from typing import Any

from cluster.ray_environment import free_port
from loadtests.bench.figures import Figure, Wanted, paired
from loadtests.bench.servers import Server

ROUNDS = 3
#: What the console script does.
_KAIROS = (sys.executable, "-P", "-c", "from cluster.cli import main; main()")


def run(rounds: int = ROUNDS) -> dict[str, Any]:
    """Seconds of each round."""
    kairos, serve = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="kairos-bench-") as place:
            kairos.append(_kairos(place))
        with tempfile.TemporaryDirectory(prefix="kairos-bench-") as place:
            serve.append(_serve(place))
        print(f"start: kairos {kairos[-1]:.1f} s, Serve {serve[-1]:.1f} s", flush=True)
    return {"kairos_s": kairos, "serve_s": serve}


def figures(found: dict[str, Any]) -> list[Figure]:
    return [paired("start to ready / Serve's own", found["kairos_s"], found["serve_s"], "x", Wanted("at most", 1.3))]


def _kairos(place: str) -> float:
    """An empty data directory, the packaged catalog."""
    begin = time.perf_counter()
    subprocess.run(
        [*_KAIROS, "up", "--detach", "--data-dir", place, "--port", str(free_port())], check=True,
        stdout=subprocess.DEVNULL,
    )
    seconds = time.perf_counter() - begin
    subprocess.run([*_KAIROS, "down", "--data-dir", place], check=True, stdout=subprocess.DEVNULL)
    return seconds


def _serve(place: str) -> float:
    begin = time.perf_counter()
    with Server("loadtests.references.serve_alone", free_port(), place):
        return time.perf_counter() - begin
