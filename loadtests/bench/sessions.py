"""All servers at once, one loaded at a time: each round loads every workload once, in an order that turns."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.ray_environment import free_port
from loadtests.bench.measuring import Round, measure
from loadtests.bench.onlookers import consoles, insight_asleep
from loadtests.bench.postgres import PostgresServer, binaries, without_password
from loadtests.bench.seeding import seed
from loadtests.bench.servers import Server
from loadtests.bench.workloads import POSTGRESQL, WORKLOADS, Workload
from loadtests.references.redis_service.presence import INSTALL, redis_server
from models import limits

_KEY = "a-key-for-the-benchmark"
_SERVICE = "loadtests.references.redis_service"
_WARM_S = 2.0


@dataclass(slots=True)
class Session:
    """What a session measured: workload -> its rounds, in order."""

    rounds: dict[str, list[Round]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    #: What open consoles saw, one entry for each round with some.
    seen: list[dict[str, Any]] = field(default_factory=list)

    def peak(self, name: str) -> float:
        """Median requests per second so far."""
        return statistics.median(one.result.per_s for one in self.rounds[name])


def run(workloads: list[Workload], scorer: str, rounds: int, seconds: float) -> Session:
    """``rounds`` interleaved rounds of ``seconds`` for each workload."""
    session = Session()
    if not redis_server():
        session.facts["skipped"] = f"FastAPI + Redis: no redis-server on this machine; {INSTALL}"
        print(session.facts["skipped"], flush=True)
        workloads = [workload for workload in workloads if not workload.server.startswith("redis")]
    if binaries() is None:
        print("PostgreSQL: none on this machine; apt-get install postgresql", flush=True)
        workloads = [workload for workload in workloads if workload.server != POSTGRESQL]
    with _servers({workload.server for workload in workloads}, scorer, session) as servers:
        for workload in workloads:
            if not workload.half_of and workload.source != "hot":
                _measure(workload, servers, _WARM_S, session)
        for number in range(rounds):
            for workload in _turned(workloads, number):
                one = _measure(workload, servers, seconds, session)
                session.rounds.setdefault(workload.name, []).append(one)
                print(_line(number, workload.name, one), flush=True)
    return session


def _turned(workloads: list[Workload], number: int) -> list[Workload]:
    """Another first one in each round; the halves stay behind the peaks that they are halves of."""
    peaks = [workload for workload in workloads if not workload.half_of]
    halves = [workload for workload in workloads if workload.half_of]
    at = number % max(1, len(peaks))
    return [*peaks[at:], *peaks[:at], *halves]


def _measure(workload: Workload, servers: dict[str, Server], seconds: float, session: Session) -> Round:
    server = servers[workload.server]
    peak = session.peak(workload.half_of) if workload.half_of else 0.0
    key = server.facts.get("key", _KEY)
    plan = workload.plan(server.port, key, seconds, peak)
    with ExitStack() as stack:
        if workload.unread:
            stack.enter_context(insight_asleep(server.pid))
        if workload.consoles:
            stack.enter_context(consoles(server.port, key, workload.consoles, session.seen))
        return measure(plan, server.pid, workload.units)


@contextmanager
def _servers(names: set[str], scorer: str, session: Session) -> Iterator[dict[str, Server]]:
    """Started one after the other, seeded alike; Kairos first, since the echoes answer as many bytes as it does."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kairos-bench-")))
        kairos = stack.enter_context(Server("loadtests.bench.installation", free_port(), scorer, folder))
        found = {"kairos": kairos}
        session.facts |= {name: kairos.facts[name] for name in ("answer_bytes", "explained")}
        seed(kairos.port, kairos.facts["key"])
        if POSTGRESQL in names:
            found[POSTGRESQL] = stack.enter_context(_on_postgresql(stack, scorer, folder))
            seed(found[POSTGRESQL].port, found[POSTGRESQL].facts["key"])
        if "uvicorn" in names:
            answer_bytes = kairos.facts["answer_bytes"]
            found["uvicorn"] = stack.enter_context(
                Server("loadtests.references.uvicorn_echo", free_port(), answer_bytes),
            )
        workers = _best_workers() if {"redis", "redis_everysec"} & names else 1
        session.facts["redis_workers"] = workers
        for name, fsync in (("redis", "always"), ("redis_everysec", "everysec")):
            if name in names:
                found[name] = stack.enter_context(Server(_SERVICE, free_port(), _KEY, workers, fsync))
                seed(found[name].port, _KEY)
        yield found


def _on_postgresql(stack: ExitStack, scorer: str, folder: Path) -> Server:
    """A second installation beside the first, as many shards, its store a PostgreSQL of this session's own."""
    postgres = PostgresServer()
    stack.callback(postgres.remove)
    postgres.start()
    place = folder / "postgresql"
    place.mkdir()
    url = postgres.fresh_database()
    environment = {
        "PGPASSWORD": postgres.password, "KAIROS_STORE": without_password(url),
        "KAIROS_SHARDS": str(limits.SHARDS_EMBEDDED),
    }
    return Server("loadtests.bench.installation", free_port(), scorer, place, environment=environment)


def _best_workers() -> int:
    """One or two processes before Redis: whichever answers more on this machine."""
    answered = {}
    for workers in (1, 2):
        with Server(_SERVICE, free_port(), _KEY, workers, "always") as server:
            for _ in ("to warm it", "to count"):
                plan = WORKLOADS["redis"].plan(server.port, _KEY, _WARM_S)
                answered[workers] = measure(plan, server.pid).per_s
    print(f"FastAPI + Redis by worker processes: {answered}", flush=True)
    return max(answered, key=answered.__getitem__)


def _line(number: int, name: str, one: Round) -> str:
    result = one.result
    return (
        f"round {number + 1}  {name:16} {one.per_s:9,.0f}/s  p50 {result.p50_ms:7.2f}  p99 {result.p99_ms:7.2f} ms  "
        f"errors {result.failed}  degraded {result.degraded}  cpu {sum(one.cpu_us.values()):6.0f} us each  "
        f"generator {result.generator_cpu:.0%} of a core"
    )
