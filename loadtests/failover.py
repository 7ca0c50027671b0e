"""How long customers of a shard wait: after its process was killed, and while it moves.

``python -m loadtests.failover`` makes a cluster of hosts (see ``tests/support/hosts_cluster.py``: root and PostgreSQL),
works in closed loops and prints JSON, in milliseconds. A fail-over lasts from SIGKILL of a shard's process to the next
answered decision of one of its customers. A move's pause is the longest time between two answers in a closed loop of
one customer of the moved shard, while its host drains or a new host takes it; beside it stands that of the shards that
stayed meanwhile, which is what the machine itself does to a loop.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import psutil

from models.ids import customer_key_of_decision, shard_of

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from support.hosts_cluster import HEAD, OPERATOR, ClusterOfHosts
from support.server import eventually, fresh

HOSTS: Final = 3
SHARDS: Final = 6
LEAVES: Final = 3
_RETRY_S: Final = 0.02
_WITHIN_S: Final = 120.0
#: Between an answer and the next question of a closed loop.
_THINKS_S: Final = 0.01


class Caller:
    """One customer's decisions, at the gateways that stay."""

    def __init__(self, cluster: ClusterOfHosts, customer: str = "") -> None:
        self.customer = customer or fresh("failover")
        self._urls = [cluster.url(HEAD), cluster.url(OPERATOR)]
        self._http = httpx.Client(headers={"authorization": f"Bearer {cluster.key}"}, timeout=30.0)
        #: Answers other than 200.
        self.errors = 0

    def decide(self) -> str:
        """The id of an answered decision, however often it had to be asked for."""
        body = {
            "request_id": fresh("r"), "customer_id": self.customer, "channel": "web",
            "placements": [{"id": "home_hero"}],
        }
        for attempt in range(10_000):
            try:
                answer = self._http.post(f"{self._urls[attempt % 2]}/v1/decisions", json=body)
            except httpx.HTTPError:
                answer = None
            if answer is not None and answer.status_code == httpx.codes.OK:
                decision: str = answer.json()["decision_id"]
                return decision
            self.errors += 1
            time.sleep(_RETRY_S)
        raise TimeoutError(self.customer)

    def close(self) -> None:
        self._http.close()


class Loop(Caller):
    """Decides for ever, in a thread of its own."""

    def __init__(self, cluster: ClusterOfHosts, customer: str) -> None:
        super().__init__(cluster, customer)
        self.longest_ms = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self.decide()
        last = time.monotonic()
        while not self._ended.wait(_THINKS_S):
            self.decide()
            now = time.monotonic()
            self.longest_ms = max(self.longest_ms, (now - last) * 1_000)
            last = now

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        super().close()


@contextmanager
def cluster_of_hosts() -> Iterator[ClusterOfHosts]:
    cluster = ClusterOfHosts(HOSTS, SHARDS)
    try:
        cluster.start()
        settled(cluster)
        yield cluster
    finally:
        cluster.remove()


def settled(cluster: ClusterOfHosts) -> None:
    """Until the shards are spread evenly, and nothing moves."""
    def is_even() -> bool:
        homes = list(cluster.homes().values())
        return len(homes) == SHARDS and all(homes.count(host) == SHARDS // HOSTS for host in cluster.numbers)

    eventually("every host has its share", is_even, _WITHIN_S)


def customers(cluster: ClusterOfHosts) -> dict[int, str]:
    """A customer of each shard."""
    found: dict[int, str] = {}
    while len(found) < SHARDS:
        caller = Caller(cluster)
        key = customer_key_of_decision(caller.decide())
        assert key is not None
        found.setdefault(shard_of(key, SHARDS), caller.customer)
        caller.close()
    return found


def kills(cluster: ClusterOfHosts, of: dict[int, str], count: int, say: Callable[[str], None]) -> list[float]:
    took = []
    for number in range(count):
        shard = number % SHARDS
        caller = Caller(cluster, of[shard])
        caller.decide()
        process = psutil.Process(_pid(cluster, shard))
        killed = time.monotonic()
        process.send_signal(signal.SIGKILL)
        eventually("the process has ended", lambda one=process: not _lives(one))  # type: ignore[misc]
        caller.decide()
        took.append((time.monotonic() - killed) * 1_000)
        say(f"shard {shard} was killed: {took[-1]:.0f} ms, {caller.errors} refusals")
        caller.close()
        eventually("all shards serve", cluster.all_serve, _WITHIN_S)
    return took


def moves(
    cluster: ClusterOfHosts, of: dict[int, str], count: int, say: Callable[[str], None],
) -> dict[str, list[float]]:
    pauses: dict[str, list[float]] = {"moved": [], "stayed": []}
    while len(pauses["moved"]) < count:
        _move(cluster, of, pauses, say, lambda: cluster.drain_host(LEAVES), lambda: _left(cluster))
        cluster.renew_hosts([LEAVES])  # a machine's own start costs others nothing, this machine's costs all
        _move(cluster, of, pauses, say, lambda: None, lambda: settled(cluster))
    return pauses


def _move(
    cluster: ClusterOfHosts, of: dict[int, str], pauses: dict[str, list[float]], say: Callable[[str], None],
    begin: Callable[[], None], end: Callable[[], None],
) -> None:
    """Notes the pauses of the shards that are elsewhere afterwards, and of those that are not."""
    before = cluster.homes()
    loops = {shard: Loop(cluster, customer) for shard, customer in of.items()}
    try:
        begin()
        end()
    finally:
        for loop in loops.values():
            loop.close()
    after = cluster.homes()
    for shard, loop in loops.items():
        what = "moved" if before[shard] != after[shard] else "stayed"
        say(f"shard {shard} {what}: {loop.longest_ms:.0f} ms, {loop.errors} refusals")
        pauses[what].append(loop.longest_ms)


def _left(cluster: ClusterOfHosts) -> None:
    def has_left() -> bool:
        homes = cluster.homes().values()
        return len(homes) == SHARDS and LEAVES not in homes

    eventually("the host has no shard", has_left, _WITHIN_S)


def _pid(cluster: ClusterOfHosts, shard: int) -> int:
    (pid,) = [one["pid"] for one in cluster.get("/v1/status")["shards"] if one["shard"] == shard]
    return int(pid)


def _lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _of(took: list[float]) -> dict[str, float]:
    ordered = sorted(took)
    return {
        "count": len(took), "p50": round(ordered[len(ordered) // 2]), "p99": round(ordered[int(len(ordered) * 0.99)]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m loadtests.failover", description=__doc__)
    parser.add_argument("--kills", type=int, default=24)
    parser.add_argument("--moves", type=int, default=24)
    options = parser.parse_args()

    def say(line: str) -> None:
        print(line, file=sys.stderr)

    figures = {}
    with cluster_of_hosts() as cluster:
        of = customers(cluster)
        if options.kills:
            figures["fail-over"] = _of(kills(cluster, of, options.kills, say))
        settled(cluster)
        if options.moves:
            pauses = moves(cluster, of, options.moves, say)
            figures |= {"planned move": _of(pauses["moved"]), "no move meanwhile": _of(pauses["stayed"])}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
