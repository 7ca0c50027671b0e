"""Who is loaded how: each workload is one bar of the plots."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from loadtests.bench.generator.plan import Mode, Plan
from loadtests.bench.generator.sources import BATCH

CONNECTIONS = 64
#: How many people look on in ``decisions_watched``.
CONSOLES = 5
#: The server that is a second installation, with its journals in PostgreSQL.
POSTGRESQL = "kairos_postgresql"
#: Of the open loop: enough that a slow answer never keeps the next request from being sent.
OPEN_CONNECTIONS = 256
STREAMS, FRAMES_IN_FLIGHT = 4, 64
#: What one hot customer is asked at most: fewer than the contacts that the benchmark's policies leave him.
HOT_REQUESTS = 850
#: No round prepares for more than this.
_RATE_MAX = {"same": 25_000, "decisions": 9_000, "frames": 16_000, "batches": 400}


@dataclass(frozen=True, slots=True)
class Workload:
    """``server`` is a key of the session's servers; ``half_of`` makes it an open loop at half of that peak."""

    name: str
    server: str
    source: str
    path: str = "/v1/decisions"
    mode: Mode = "closed"
    connections: int = CONNECTIONS
    in_flight: int = 1
    units: int = 1
    half_of: str = ""
    #: Part of a round's seconds.
    share: float = 1.0
    #: How many consoles are open meanwhile.
    consoles: int = 0
    #: The installation's ``Insight`` stands still meanwhile: nobody reads the journals.
    unread: bool = False

    def plan(self, port: int, key: str, seconds: float, peak_per_s: float = 0.0) -> Plan:
        """``peak_per_s``: of the workload named by ``half_of``."""
        plan = Plan(
            mode=self.mode, port=port, path=self.path, source=self.source, tag=uuid.uuid4().hex[:10], key=key,
            connections=self.connections, in_flight=self.in_flight, seconds=seconds * self.share,
        )
        if self.half_of:
            rate = peak_per_s / 2
            return replace(plan, mode="open", rate=rate, count=int(rate * plan.seconds))
        if self.source == "hot":
            return replace(plan, count=HOT_REQUESTS, seconds=60.0)
        return replace(plan, count=int(_RATE_MAX[self.source] * plan.seconds))


_ECHO = Workload("echo", "kairos", "same", "/echo")
_DECISIONS = Workload("decisions", "kairos", "decisions")
_UVICORN = Workload("uvicorn", "uvicorn", "same", "/echo")
_REDIS = Workload("redis", "redis", "decisions")


def _on_postgresql(workload: Workload) -> Workload:
    return replace(workload, name=f"{workload.name}_postgresql", server=POSTGRESQL)


def _one(workload: Workload) -> Workload:
    return replace(workload, name=f"{workload.name}_one", connections=1, share=0.4)


def _half(workload: Workload) -> Workload:
    return replace(workload, name=f"{workload.name}_half", half_of=workload.name, connections=OPEN_CONNECTIONS)


WORKLOADS = {workload.name: workload for workload in (
    _ECHO, _DECISIONS, _UVICORN, _REDIS, replace(_REDIS, name="redis_everysec", server="redis_everysec"),
    Workload("batch", "kairos", "batches", "/v1/decisions:batch", connections=8, units=BATCH),
    Workload("stream", "kairos", "frames", "/v1/stream", "stream", STREAMS, FRAMES_IN_FLIGHT),
    _one(_ECHO), _one(_DECISIONS), _one(_REDIS),
    _half(_ECHO), _half(_DECISIONS), _half(_REDIS),
    Workload("hot", "kairos", "hot"), Workload("redis_hot", "redis", "hot"),
    _on_postgresql(_DECISIONS), _on_postgresql(_one(_DECISIONS)),
    replace(_DECISIONS, name="decisions_watched", consoles=CONSOLES),
    replace(_DECISIONS, name="decisions_unread", unread=True),
)}

#: What each suite needs; a run of several measures the union of them, interleaved.
SUITES: dict[str, tuple[str, ...]] = {
    "http": ("echo", "decisions", "uvicorn", "redis", "redis_everysec"),
    "one": ("echo_one", "decisions_one", "redis_one"),
    "half": ("echo", "decisions", "redis", "echo_half", "decisions_half", "redis_half"),
    "batch": ("echo", "batch"),
    "stream": ("echo", "stream"),
    "hot": ("hot", "redis_hot"),
    "store": ("decisions", "decisions_postgresql", "decisions_one", "decisions_one_postgresql"),
    "console": ("decisions", "decisions_watched", "decisions_unread"),
}
#: References that nothing of the second scorer's figures is held against.
MEASURED_ONCE = frozenset({
    "decisions_watched", "decisions_unread",
    "uvicorn", "redis_everysec", "redis_one", "redis_hot", "decisions_postgresql", "decisions_one_postgresql",
})


def needed(suites: list[str]) -> list[Workload]:
    """The workloads of these suites, peaks before what is a half of them."""
    names = dict.fromkeys(name for suite in suites for name in SUITES[suite])
    chosen = [WORKLOADS[name] for name in names]
    return sorted(chosen, key=lambda workload: bool(workload.half_of))
