"""Contention: a few hot customers, all channels at once, no time to think: holds, caps, rests under the worst race.

One customer has one writer, so its decisions are serial. How many a second that allows is measured after the run, and
stated: over HTTP, with one caller and with sixteen at once.
"""

from __future__ import annotations

import time
from typing import Any, Final

import gevent

from cluster.client import Kairos
from loadtests.users.briefing import Scenario
from loadtests.users.run import install
from loadtests.users.shelf import Shelf
from loadtests.users.visitor import Visit, Visitor
from loadtests.users.visits import rush
from loadtests.verdict.histogram import Histogram

_CALLERS: Final = (1, 16)
_CEILING_S_MAX: Final = 3.0


class Channels(Visitor):
    def visit(self) -> Visit:
        return rush(self.caller, self.desk.anybody()["id"])


def ceiling(lead: Any, run: Any) -> None:
    """Decisions per second of one customer, the ceiling that no number of shards moves."""
    seconds = min(_CEILING_S_MAX, max(0.5, lead.options.seconds / 10))
    found = {}
    for callers in _CALLERS:
        latencies = serial(lead.client, Shelf(lead.prepared.catalog), f"lt-{lead.options.run}-hot", callers, seconds)
        found[f"callers_{callers}"] = {
            "decisions_per_s": round(latencies.count / seconds, 1), "p50_ms": round(latencies.quantile(0.5) * 1e3, 2),
            "p99_ms": round(latencies.quantile(0.99) * 1e3, 2),
        }
    run.extra["ceiling"] = {"of": "one customer over HTTP", **found}


def serial(client: Kairos, shelf: Shelf, customer: str, callers: int, seconds: float) -> Histogram:
    """Latencies of decisions for one customer by so many callers, each asking again when it was answered."""
    latencies, channel = Histogram(), shelf.inbound[0]
    until_s = time.perf_counter() + seconds

    def ask() -> None:
        while (begun_s := time.perf_counter()) < until_s:
            client.decide(customer, channel.id, channel.placements)  # type: ignore[arg-type]
            latencies.add(time.perf_counter() - begun_s)

    asking = [gevent.spawn(ask) for _ in range(callers)]
    gevent.joinall(asking, raise_error=True)
    return latencies


install(Scenario("contention", customers=4, verified=1_000, after=ceiling))
