"""``python -m loadtests.references.redis_service PORT KEY WORKERS FSYNC``: a Redis and the workers before it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from loadtests.bench.ready import say_ready, stopped
from loadtests.references.redis_service.app import KEY, SOCKET
from loadtests.references.redis_service.presence import redis_server

_WAIT_S = 60.0


def main() -> None:
    port, key, workers, fsync = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="kairos-bench-redis-") as place:
        socket = f"{place}/redis.sock"
        redis = subprocess.Popen([
            redis_server(), "--port", "0", "--unixsocket", socket, "--dir", place, "--save", "", "--appendonly", "yes",
            "--appendfsync", fsync, "--auto-aof-rewrite-percentage", "0", "--loglevel", "warning",
        ], stdout=subprocess.DEVNULL)
        _wait(lambda: Path(socket).exists(), "Redis did not open its socket")
        service = subprocess.Popen([
            sys.executable, "-m", "uvicorn", "loadtests.references.redis_service.app:build", "--factory",
            "--port", port, "--workers", workers, "--loop", "uvloop", "--http", "httptools", "--no-access-log",
            "--log-level", "warning", "--no-server-header", "--no-date-header", "--no-proxy-headers",
        ], env={**os.environ, SOCKET: socket, KEY: key}, stdout=subprocess.DEVNULL)
        try:
            _wait(lambda: _answers(port), "the service did not answer")
            say_ready(port=int(port))
            stopped()
        finally:
            for process in (service, redis):
                process.terminate()
                process.wait(timeout=_WAIT_S)


def _answers(port: str) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=2.0).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _wait(check: Callable[[], bool], failed: str) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not check():
        if time.monotonic() > deadline:
            raise SystemExit(f"{failed} within {_WAIT_S:.0f} s")
        time.sleep(0.05)


if __name__ == "__main__":
    main()
