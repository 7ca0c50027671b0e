"""The figures of everything that goes over the network: each of the issue's sentences once. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from operator import attrgetter
from typing import Any

from loadtests.bench.figures import Figure, Wanted, figure, paired
from loadtests.bench.measuring import Round
from loadtests.bench.workloads import CONSOLES

Rounds = dict[str, list[Round]]
_per_s = attrgetter("per_s")


def of_suite(suite: str, rounds: Rounds) -> list[Figure]:
    """The figures whose workloads were measured; what was skipped is left out."""
    return [found for found in _MAKERS[suite](rounds) if found is not None]


def _values(rounds: Rounds, name: str, what: str = "") -> list[float]:
    if not what:
        return [_per_s(one) for one in rounds[name]]
    return [getattr(one.result, what) for one in rounds[name]]


def _ratio(
    rounds: Rounds, title: str, mine: str, theirs: str, wanted: Wanted | None = None, what: str = "",
) -> Figure | None:
    if mine not in rounds or theirs not in rounds:
        return None
    return paired(title, _values(rounds, mine, what), _values(rounds, theirs, what), "x", wanted)


def _http(rounds: Rounds) -> Iterable[Figure | None]:
    yield _ratio(rounds, "HTTP decisions / Serve echo, 64 connections", "decisions", "echo",
                 Wanted("at least", 0.7, 0.85))
    yield _ratio(rounds, "HTTP decisions / FastAPI + Redis", "decisions", "redis", Wanted("at least", 1.8, 2.0))
    yield _ratio(rounds, "p99 of HTTP decisions / of FastAPI + Redis", "decisions", "redis", Wanted("at most", 1.0),
                 "p99_ms")
    yield _ratio(rounds, "HTTP decisions / FastAPI + Redis, appendfsync everysec", "decisions", "redis_everysec")
    yield _ratio(rounds, "FastAPI + Redis / Serve echo", "redis", "echo")
    yield _ratio(rounds, "Serve echo / uvicorn alone", "echo", "uvicorn")


def _one(rounds: Rounds) -> Iterable[Figure | None]:
    yield paired(
        "one caller, p50: decision minus echo", _values(rounds, "decisions_one", "p50_ms"),
        _values(rounds, "echo_one", "p50_ms"), "ms", Wanted("at most", 2.5), lambda mine, theirs: mine - theirs,
    )
    yield _ratio(rounds, "one caller, p50: decision / FastAPI + Redis", "decisions_one", "redis_one", None, "p50_ms")


def _half(rounds: Rounds) -> Iterable[Figure | None]:
    yield _ratio(rounds, "p99 at half load / the echo's at its half load", "decisions_half", "echo_half",
                 Wanted("at most", 5.0), "p99_ms")
    yield _ratio(rounds, "p99 at half load / that of FastAPI + Redis", "decisions_half", "redis_half", None, "p99_ms")


def _batch(rounds: Rounds) -> Iterable[Figure | None]:
    yield _ratio(rounds, "batch of 50: decisions / echo requests", "batch", "echo", Wanted("at least", 2.5, 3.0))


def _stream(rounds: Rounds) -> Iterable[Figure | None]:
    yield _ratio(rounds, "stream, 256 in flight: decisions / echo requests", "stream", "echo",
                 Wanted("at least", 2.0, 3.0))


def _hot(rounds: Rounds) -> Iterable[Figure | None]:
    yield figure("one hot customer, 64 callers: decisions", _values(rounds, "hot"), "/s")
    if "redis_hot" in rounds:
        yield figure("one hot customer of FastAPI + Redis", _values(rounds, "redis_hot"), "/s")


def _store(rounds: Rounds) -> Iterable[Figure | None]:
    yield _ratio(rounds, "HTTP decisions, 64 connections: PostgreSQL / SQLite", "decisions_postgresql", "decisions",
                 Wanted("at least", 0.7))
    yield _ratio(rounds, "p99 at 64 connections: PostgreSQL / SQLite", "decisions_postgresql", "decisions", None,
                 "p99_ms")
    yield _ratio(rounds, "one caller, p50: PostgreSQL / SQLite", "decisions_one_postgresql", "decisions_one", None,
                 "p50_ms")


def _console(rounds: Rounds) -> Iterable[Figure | None]:
    yield _ratio(rounds, f"HTTP decisions, 64 connections: {CONSOLES} open consoles / none", "decisions_watched",
                 "decisions", Wanted("at least", 0.95))
    yield _ratio(rounds, "HTTP decisions, 64 connections: journals read by Insight / not read", "decisions",
                 "decisions_unread")


_MAKERS = {
    "http": _http, "one": _one, "half": _half, "batch": _batch, "stream": _stream, "hot": _hot, "store": _store,
    "console": _console,
}


def of_consoles(seen: list[dict[str, Any]]) -> list[Figure]:
    """How soon an event was in the page of a console that was open while decisions were measured."""
    fresh = sorted(one for of_round in seen for one in of_round["fresh_s"])
    if not fresh:
        return []
    unseen = sum(of_round["unseen"] for of_round in seen)
    note = f"{len(fresh)} events at 64 connections, {unseen} not seen"
    p95 = fresh[int(len(fresh) * 0.95)]
    return [Figure("an event is in the open page, p95", p95, fresh[0], fresh[-1], "s", Wanted("at most", 2.0), note)]


def elsewhere(figures: list[Figure]) -> list[Figure]:
    """The same figures of an installation whose shards score in their own process."""
    return [replace(figure, name=f"{figure.name}, scorer in process") for figure in figures]
