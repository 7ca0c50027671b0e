"""Decisions over HTTP against a Serve echo: same HAProxy, same payload, interleaved rounds, medians of ratios."""

from __future__ import annotations

import json
import statistics
import tempfile
import uuid
from pathlib import Path
from typing import Any

from cluster import launch
from cluster.ray_environment import free_port
from cluster.settings import load_settings
from loadtests import scenario
from loadtests.load import Load, closed_loop, request_bytes

CONNECTIONS = 64
ROUND_S = 6.0
ROUNDS = 5


def run() -> dict[str, Any]:
    """Start an installation and an echo beside it, measure both in turn."""
    with tempfile.TemporaryDirectory(prefix="kairos-bench-") as place:
        catalog = Path(place) / "catalog.json"
        catalog.write_text(json.dumps(scenario.catalog()))
        settings = load_settings(data_dir=Path(place) / "data", port=free_port(), catalog=catalog)
        running = launch.start(settings, print)
        try:
            _deploy_echo()
            _train_scorer(running)
            return _measure(settings.port, running.key)
        finally:
            running.stop()


def _deploy_echo() -> None:
    from ray import serve  # after the launch has set Ray's variables

    from loadtests.echo import echo_app

    serve.run(echo_app(), name="echo", route_prefix="/echo")


def _train_scorer(running: launch.Running) -> None:
    """Promote a scorer of 100 trees over the catalog's 24 features, so that decisions are scored for real."""
    import httpx

    from loadtests.trees import register_scorer

    version = register_scorer(running.settings.data_dir)
    answer = httpx.post(
        f"{running.url}/v1/scorers/{version}:promote", headers={"authorization": f"Bearer {running.key}"}, json={},
    )
    answer.raise_for_status()


def _requests(key: str, seconds: float, rate: int) -> list[bytes]:
    tag = uuid.uuid4().hex[:8]
    count = int(seconds * rate)
    return [request_bytes("/v1/decisions", scenario.decision_bytes(n, tag), key) for n in range(count)]


def _measure(port: int, key: str) -> dict[str, Any]:
    echo_bytes = request_bytes("/echo", scenario.decision_bytes(1, "echo"), key)
    closed_loop(port, _requests(key, 3.0, 4_000), CONNECTIONS, 3.0)  # warm-up
    closed_loop(port, [echo_bytes] * 20_000, CONNECTIONS, 2.0)
    pairs: list[tuple[Load, Load]] = []
    for _ in range(ROUNDS):
        echo = closed_loop(port, [echo_bytes] * int(ROUND_S * 10_000), CONNECTIONS, ROUND_S)
        decisions = closed_loop(port, _requests(key, ROUND_S, 4_000), CONNECTIONS, ROUND_S)
        pairs.append((decisions, echo))
        print(f"decisions {decisions}\necho      {echo}", flush=True)
    single = [
        (closed_loop(port, _requests(key, 3.0, 1_000), 1, 3.0), closed_loop(port, [echo_bytes] * 20_000, 1, 3.0))
        for _ in range(3)
    ]
    return {
        "decisions_per_s": statistics.median(d.requests_per_s for d, _ in pairs),
        "echo_per_s": statistics.median(e.requests_per_s for _, e in pairs),
        "ratio": statistics.median(d.requests_per_s / e.requests_per_s for d, e in pairs),
        "decision_p99_ms": statistics.median(d.p99_ms for d, _ in pairs),
        "echo_p99_ms": statistics.median(e.p99_ms for _, e in pairs),
        "errors": sum(d.errors + e.errors for d, e in pairs),
        "one_caller_decision_p50_ms": statistics.median(d.p50_ms for d, _ in single),
        "one_caller_echo_p50_ms": statistics.median(e.p50_ms for _, e in single),
    }
