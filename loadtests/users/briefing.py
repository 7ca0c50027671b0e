"""Before a run: what is on the server is looked at, its customers are made, and every generating process is briefed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import gevent
from gevent.pool import Pool

from cluster.client import ClientError, Kairos, Refused, Unauthorised
from loadtests.users.households import Customer, attributes_for, history_pages, read_customers
from loadtests.users.options import Options
from loadtests.users.shelf import Shelf
from models import limits
from models.times import parse_time_ms

_AT_ONCE: Final = 16
_CLOCK_LOOK_S: Final = 0.05

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a scenario is; ``loadtests.scenarios`` holds one per file."""

    name: str
    #: Mean think time in a closed loop.
    think_s: float = 0.0
    #: Customers of all workers together, and how many per worker are checked afterwards.
    customers: int = 300
    verified: int = 200
    #: Events per call.
    batch: int = 1
    #: Runs beside the load, in a greenlet of the process that leads; gets the ``Lead``.
    during: Callable[[Any], None] | None = None
    #: Runs after it; gets the ``Lead`` and the ``Run``, to which it may add checks and figures.
    after: Callable[[Any, Any], None] | None = None


@dataclass(slots=True)
class Prepared:
    #: One for each generating process.
    briefs: list[dict[str, Any]]
    catalog: Mapping[str, Any]
    #: Budgets before anything was spent; None when the key may not read them.
    budgets: list[Mapping[str, Any]] | None
    #: Budget -> its cap, of those that were changed for the run.
    caps: dict[str, int] = field(default_factory=dict)


def prepare(client: Kairos, scenario: Scenario, options: Options, workers: int, say: Say) -> Prepared:
    """Raises ``ClientError`` when the server, or the key, does not allow for the scenario."""
    catalog = client.catalog().catalog
    now = _manual_time(client)
    each = max(1, (options.customers or scenario.customers) // workers)
    say(f"{each * workers} customers out of real households")
    parts = [read_customers(each, options.run, worker) for worker in range(workers)]
    now_ms = parse_time_ms(now) if now else time.time_ns() // 1_000_000
    for worker, part in enumerate(parts):
        _seed(client, part, catalog, f"load-{options.run}-{worker}", now_ms, say)
    common = {
        "run": options.run, "url": options.url, "catalog": dict(catalog), "now": now, "seconds": options.seconds,
        "rate": options.rate / workers, "arrivals": options.arrivals, "transport": options.transport,
        "think_s": scenario.think_s if options.think_s < 0 else options.think_s,
        "batch": options.batch or scenario.batch, "verified": options.verified or scenario.verified,
    }
    caps = _give(client, options.caps)
    return Prepared(
        [{**common, "worker": worker, "customers": part} for worker, part in enumerate(parts)], catalog,
        budgets_of(client), caps,
    )


def budgets_of(client: Kairos) -> list[Mapping[str, Any]] | None:
    """None when the key may not read them."""
    try:
        return [one.data for one in client.budgets()]
    except Unauthorised:
        return None


def restore(client: Kairos, caps: Mapping[str, int]) -> None:
    for budget, cap in caps.items():
        client.set_cap(budget, cap)


def _give(client: Kairos, units: Mapping[str, int]) -> dict[str, int]:
    """Let budgets have so many free units; what their caps were."""
    if not units:
        return {}
    known = {one.id: one for one in client.budgets()}
    for budget, free in units.items():
        client.set_cap(budget, known[budget].spent + known[budget].held + free)
    return {budget: known[budget].cap for budget in units}


def _manual_time(client: Kairos) -> str | None:
    """Where a manual clock stands; None on a wall clock (it goes on), or when the key may not ask."""
    try:
        first = client.clock().time
        gevent.sleep(_CLOCK_LOOK_S)
        return first if client.clock().time == first else None
    except Refused:
        return None


def _seed(
    client: Kairos, customers: Sequence[Customer], catalog: Mapping[str, Any], source: str, now_ms: int, say: Say,
) -> None:
    """Consents, attributes and the last baskets of everybody, many calls at once."""
    consent = dict.fromkeys(Shelf(catalog).consents, True)
    pool, failed = Pool(_AT_ONCE), []

    def introduce(customer: Customer) -> None:
        try:
            if consent:
                client.set_consent(customer["id"], consent)
            if attributes := attributes_for(customer, catalog):
                client.set_attributes(customer["id"], attributes)
        except ClientError as error:
            failed.append(error)

    pool.map(introduce, customers)
    if failed:
        raise failed[0]
    try:
        for number, page in enumerate(history_pages(customers, now_ms)):
            client.send_history(source, number * limits.EVENTS_PER_BATCH_MAX, page)  # type: ignore[arg-type]
    except Unauthorised as error:
        say(f"no history is told, customers begin empty: {error.detail}")
