"""From what was noted to a verdict: figures, checks, passed or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from loadtests.verdict.checks import Check, note
from loadtests.verdict.exact import KINDS, Exactness
from loadtests.verdict.generator import BUSY
from loadtests.verdict.histogram import Histogram
from loadtests.verdict.record import Record

QUANTILES: Final = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "p99_9_ms": 0.999}
#: Arrivals that began later than this after their time are called behind.
_BEHIND_S: Final = 0.005
_CLOSED: Final = (
    "closed loop: each user waits for its answer before it asks again, so these are service times at this many users; "
    "while the server is slow fewer calls are made. For what independent customers would wait, give a RATE"
)
_OPEN: Final = "open loop: from the moment each call was due, whether or not it could be sent then"


@dataclass(slots=True)
class Run:
    """Everything that a verdict is made of."""

    scenario: str
    id: str
    url: str
    transport: str
    seconds: float
    users: int
    #: 0 for a closed loop.
    rate: float
    arrivals: str
    record: Record = field(default_factory=Record)
    exactness: Exactness = field(default_factory=Exactness)
    #: One per generating process: what it used.
    generators: list[dict[str, Any]] = field(default_factory=list)
    #: None when the server's processes are not on this machine.
    server: dict[str, Any] | None = None
    #: The scenario's own, and those of the budgets.
    checks: list[Check] = field(default_factory=list)
    #: What the scenario measured besides.
    extra: dict[str, Any] = field(default_factory=dict)
    #: Share of calls that may fail.
    errors_max: float = 0.0
    #: Exceptions of the scenario's own code: a broken test proves nothing.
    bugs: int = 0
    #: Generating processes that never reported.
    silent: int = 0


def verdict(run: Run) -> dict[str, Any]:
    """The whole verdict as plain data; ``passed`` is False when any check failed."""
    checks = [*_loop_checks(run), *_exact_checks(run.exactness), *run.checks, *_generator_checks(run)]
    record = run.record
    return {
        "scenario": run.scenario, "run": run.id, "url": run.url, "transport": run.transport,
        "passed": all(check.passed is not False for check in checks), "seconds": round(run.seconds, 1),
        "loop": _loop(run), "calls": {call: _figures(one, run.seconds) for call, one in sorted(record.calls.items())},
        "items": dict(record.items), "errors": dict(record.errors.most_common()), "repeats": record.repeats,
        "degraded": {
            "decisions": record.decisions, "degraded": record.degraded,
            "share": round(record.degraded / record.decisions, 4) if record.decisions else None,
        },
        "exactness": run.exactness.to_wire(), "server": run.server, "generators": run.generators,
        "checks": [{"name": one.name, "passed": one.passed, "said": one.said} for one in checks], **run.extra,
    }


def _figures(latencies: Histogram, seconds: float) -> dict[str, Any]:
    found: dict[str, Any] = {
        "count": latencies.count, "per_s": round(latencies.count / seconds, 1) if seconds else None,
        "mean_ms": round(latencies.sum_s / latencies.count * 1_000, 2) if latencies.count else None,
    }
    for name, share in QUANTILES.items():
        found[name] = round(latencies.quantile(share) * 1_000, 2) if latencies.count else None
    return {**found, "max_ms": round(latencies.max_s * 1_000, 2)}


def _loop(run: Run) -> dict[str, Any]:
    if not run.rate:
        return {"kind": "closed", "users": run.users, "note": _CLOSED}
    record = run.record
    due = record.lateness.count + record.unsent.count
    return {
        "kind": "open", "users_max": run.users, "rate_per_s": run.rate, "arrivals": run.arrivals, "due": due,
        "sent": record.lateness.count, "never_sent": record.unsent.count,
        "longest_wait_of_unsent_ms": round(record.unsent.max_s * 1_000, 1),
        "late_p99_ms": round(record.lateness.quantile(0.99) * 1_000, 2) if record.lateness.count else None,
        "late_max_ms": round(record.lateness.max_s * 1_000, 1), "note": _OPEN,
    }


def _loop_checks(run: Run) -> list[Check]:
    record = run.record
    good, bad = sum(one.count for one in record.calls.values()), record.errors.total()
    share = bad / (good + bad) if good + bad else 0.0
    worst = ", ".join(f"{what} x {count}" for what, count in record.errors.most_common(3))
    checks = [
        Check("something was measured", good > 0, f"{good:,} calls answered, {record.repeats:,} repeats by the client"),
        Check("errors", share <= run.errors_max, f"{bad:,} ({share:.2%}, at most {run.errors_max:.2%}) {worst}"),
        Check("the scenario itself ran", not run.bugs and not run.silent,
              f"{run.bugs} exceptions in it, {run.silent} generating processes that did not report"),
    ]
    if run.rate:
        due = record.lateness.count + record.unsent.count
        checks.append(Check(
            "the rate was offered", not record.unsent.count,
            f"{record.lateness.count:,} of {due:,} arrivals were sent in time for an answer; {record.unsent.count:,} "
            f"waited for a free user until the end ({run.users} users)",
        ))
    return checks


def _exact_checks(found: Exactness) -> list[Check]:
    ids = ", ".join(f"{found.acknowledged[kind]:,} {kind}s" for kind in KINDS)
    broken = found.missing + found.doubled
    said = "; ".join(found.examples[:3])
    exceeded = ", ".join(f"{policy} x {count}" for policy, count in found.exceeded.items())
    if not found.customers and not found.unread:
        return [Check("acknowledged exactly once", None, "no timeline was read")]
    return [
        Check("acknowledged exactly once", not broken and not found.unread,
              said if broken else f"{ids} in {found.customers:,} timelines; {found.unread} timelines unreadable"),
        Check("contact policies", not found.exceeded,
              exceeded or f"{found.contacts:,} confirmed contacts judged again in every window and rest"),
    ]


def _generator_checks(run: Run) -> list[Check]:
    busy = [one for one in run.generators if one["core_share"] > BUSY]
    if not busy:
        return []
    return [note(
        "WARNING: the generator was the bottleneck",
        f"{len(busy)} of {len(run.generators)} generating processes used more than {BUSY:.0%} of a core "
        f"(most {max(one['core_share'] for one in busy):.0%}): latencies are too high and throughput too low; "
        "use more WORKERS, or a machine of its own",
    )]


def merged(records: Sequence[Record]) -> Record:
    found = Record()
    for one in records:
        found.merge(one)
    return found
