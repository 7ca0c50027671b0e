"""The scorer's hop: the same rows through bare xgboost, and calibrated as a turn asks for them (deadline and breaker
included) inside the process and over the link to a replica, and through Serve's handle; in turn. Starts Ray and Serve
itself."""

from __future__ import annotations

import asyncio
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from actors.link.handshake import link_key
from actors.scoring.interface import Scorer
from actors.shard.scorer_client import ScorerClient
from actors.stores.sqlite import SqliteStore
from cluster.ray_environment import set_variables
from loadtests.trees import COLUMNS, TREES, register_scorer, scorer
from models import limits
from models.scoring.booster import Booster

ROWS = (20, 200, 1_280)
ROUNDS = 7
CALLS = 150
APP = "kairos-scorer"
HANDLE_APP = "by-handle"
BARE = "bare xgboost"
_WAIT_MS = 10_000.0

Matrix = NDArray[np.float32]
Ask = Callable[[Matrix], Awaitable[Matrix]]


def run() -> dict[str, Any]:
    """Per way and number of rows, against bare xgboost in the same round: p50 and CPU (both processes') of a call."""
    with tempfile.TemporaryDirectory(prefix="kairos-bench-") as place:
        SqliteStore(Path(place)).install(1, limits.SLOTS)
        version = register_scorer(SqliteStore(Path(place)).scorers(), calibrated=True)
        set_variables(Path(place), "127.0.0.1")
        os.environ.pop("RAY_ADDRESS", None)
        import ray  # reads its variables at import: only after they are set
        from ray import serve

        ray.init(
            address="local", include_dashboard=False, num_cpus=1, object_store_memory=128 * 1024 * 1024,
            _node_ip_address="127.0.0.1", namespace="kairos", logging_level="ERROR", log_to_driver=False,
        )
        try:
            _deploy(place)
            return _loop().run_until_complete(_measure(place, version))
        finally:
            logging.getLogger("ray.serve").setLevel(logging.CRITICAL)  # it deplores that this loop does not run on
            serve.shutdown()
            ray.shutdown()


def _loop() -> asyncio.AbstractEventLoop:
    """The kind of loop that Ray gives a shard."""
    from ray._private.async_compat import get_new_event_loop

    loop: asyncio.AbstractEventLoop = get_new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


def _deploy(place: str) -> None:
    from ray import serve
    from ray.serve.config import ProxyLocation

    from actors.scorer import scorer_app

    serve.start(proxy_location=ProxyLocation.Disabled)
    settings = {"data_dir": place, "log_level": "warning"}
    serve.run_many([
        serve.RunTarget(scorer_app(settings), name=APP, route_prefix=None),
        serve.RunTarget(_by_handle(place), name=HANDLE_APP, route_prefix=None),
    ])


def _by_handle(place: str) -> Any:
    """The reference: the same engine as a plain deployment whose method takes and gives the same bytes."""
    from ray import serve

    @serve.deployment(
        name="ByHandle", max_ongoing_requests=128, ray_actor_options={"num_cpus": 0},
        logging_config={"enable_access_log": False, "log_level": "WARNING"},
    )
    class ByHandle:
        def __init__(self, data_dir: str) -> None:
            from actors.scorer_registry import ScorerRegistry
            from actors.scoring.engine import ScoringEngine
            from actors.scoring.loaded import open_scorers

            self._engine = ScoringEngine(open_scorers(ScorerRegistry(Path(data_dir))))

        async def score(self, payload: bytes) -> Any:
            from actors.scoring.wire import unpack_asked

            return self._engine.answer([unpack_asked(payload)])[0]

    return ByHandle.bind(place)


async def _measure(place: str, version: str) -> dict[str, Any]:
    ways, replicas = await _ways(place, version)
    figures: dict[str, Any] = {"trees": TREES, "features": len(COLUMNS), "calls": ROUNDS * CALLS}
    for count in ROWS:
        matrix = np.random.default_rng(3).gamma(2.0, 3.0, (count, len(COLUMNS))).astype(np.float32)
        await _agree(ways, matrix)
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, ask in ways.items():
                taken[name].append(await _round(ask, matrix, replicas.get(name)))
        figures[f"{count} rows"] = {name: _told(rounds, taken[BARE]) for name, rounds in taken.items()}
    return figures


def _told(rounds: list[tuple[float, float]], bare: list[tuple[float, float]]) -> dict[str, Any]:
    """``ratios`` and ``above_ms``: of the p50, round by round."""
    pairs = list(zip(rounds, bare, strict=True))
    return {
        "p50_us": round(statistics.median(p50 for p50, _ in rounds), 1),
        "cpu_us": round(statistics.median(cpu for _, cpu in rounds), 1),
        "cpu_ratio": round(statistics.median(cpu / one for (_, cpu), (_, one) in pairs), 2),
        "ratios": [round(p50 / one, 3) for (p50, _), (one, _) in pairs],
        "above_ms": [round((p50 - one) / 1e3, 3) for (p50, _), (one, _) in pairs],
    }


async def _ways(place: str, version: str) -> tuple[dict[str, Ask], dict[str, int]]:
    """How to ask, and whose CPU counts beside this process's."""
    import xgboost
    from ray import serve

    from actors.scoring import wire
    from actors.scoring.in_process import InProcessScorer
    from actors.scoring.line import ReplicaLine
    from actors.scoring.loaded import open_scorers
    from actors.scoring.remote import RemoteScorer
    from actors.shard.neighbours import ScorerHandle

    handle = serve.get_deployment_handle("ByHandle", HANDLE_APP).score
    store = SqliteStore(Path(place))
    linked = RemoteScorer(ReplicaLine(ScorerHandle().address, link_key(store.secret())))
    inside = InProcessScorer(lambda: open_scorers(store.scorers()))
    trees = xgboost.Booster({"nthread": 1}, model_file=bytearray(scorer(calibrated=True)[0]))

    async def by_handle(matrix: Matrix) -> Matrix:
        return wire.unpack_scores(await handle.remote(wire.pack_asked(version, matrix)), version)

    async def bare(matrix: Matrix) -> Matrix:
        scores: Matrix = trees.inplace_predict(matrix, validate_features=False)
        return scores

    ways: dict[str, Ask] = {
        BARE: bare, "in process": await _in_a_turn(inside, version), "link": await _in_a_turn(linked, version),
        "serve handle": by_handle,
    }
    return ways, {"link": _replica(f"ServeReplica:{APP}:"), "serve handle": _replica(f"ServeReplica:{HANDLE_APP}:")}


async def _in_a_turn(asked: Scorer, version: str) -> Ask:
    """As a shard asks it."""
    client = ScorerClient(asked)
    client.wanted = lambda: [(version, len(COLUMNS))]
    assert await client.probe()

    async def ask(matrix: Matrix) -> Matrix:
        scored = await client.score(version, matrix, _WAIT_MS)
        assert scored.scores is not None
        return scored.scores

    return ask


def _replica(name: str) -> int:
    for process in psutil.Process().children(recursive=True):
        if name in " ".join(process.cmdline()):
            return process.pid
    raise LookupError(f"no process {name}")


async def _agree(ways: dict[str, Ask], matrix: Matrix) -> None:
    """Every way warm, and the same bits: the calibrated ones of all but bare trees."""
    expected = Booster(*scorer(calibrated=True)).predict(matrix).tobytes()
    for name, ask in ways.items():
        for _ in range(20):
            assert (await ask(matrix)).tobytes() == expected or name == BARE, name


async def _round(ask: Ask, matrix: Matrix, replica: int | None) -> tuple[float, float]:
    """(p50, mean CPU) of a call in microseconds, one at a time."""
    waits = []
    before, elsewhere = time.process_time_ns(), _cpu_ns(replica)
    for _ in range(CALLS):
        begin = time.perf_counter_ns()
        await ask(matrix)
        waits.append(time.perf_counter_ns() - begin)
    used = time.process_time_ns() - before + _cpu_ns(replica) - elsewhere
    return statistics.median(waits) / 1e3, used / CALLS / 1e3


def _cpu_ns(pid: int | None) -> int:
    """Nanoseconds on a CPU, of all threads: finer than the hundredths of a second that ``psutil`` knows."""
    if pid is None:
        return 0
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir())
