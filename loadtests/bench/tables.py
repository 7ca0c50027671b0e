"""The Markdown page made of ``figures.json``: figures, latencies, CPU per decision, method. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from loadtests.bench.cpu import ROLES

_LATENCIES = ("p50_ms", "p90_ms", "p99_ms", "p999_ms")
#: A generator busier than this may have been the bottleneck.
GENERATOR_CPU_MAX = 0.8


def page(suites: Mapping[str, Any]) -> str:
    """The whole page."""
    parts = [
        "# Figures of `make bench`",
        "Made by `make bench`; do not edit. What each line means is told in `loadtests/README.md`.",
        _figures(suites),
    ]
    if workloads(suites):
        parts += [
            "## Requests and latencies",
            "Medians of the rounds. `each` counts decisions (or echo requests); latencies are those of whole requests; "
            "of `_half` from the moment each request was due, at half of the measured peak.",
            _latencies(suites), "## CPU per decision",
            "Microseconds of all processes, by what they are; an echo's row is the floor of its path.", _cpu(suites),
        ]
    return "\n\n".join([*parts, "## Where", _machines(suites)]) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def amount(value: float, unit: str) -> str:
    """A value as a reader wants it: three digits, bytes in what they fill."""
    if unit == "B":
        for size, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
            if value >= size:
                return f"{value / size:.2f} {name}"
        return f"{value:.0f} B"
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
    return f"{text}/s" if unit == "/s" else f"{text} {unit}"


def _figures(suites: Mapping[str, Any]) -> str:
    rows = []
    for suite in suites.values():
        for figure in suite["figures"]:
            measured = amount(figure["value"], figure["unit"])
            if figure["reached"] is False:
                measured = f"**{measured}, not reached**"
            elif figure["reached"]:
                measured = f"**{measured}**"
            spread = "-"
            if figure["low"] != figure["high"]:
                spread = f"{amount(figure['low'], figure['unit'])} .. {amount(figure['high'], figure['unit'])}"
            rows.append([
                figure["name"], wanted(figure), measured, figure["note"] or "-", spread, f"`{suite['command']}`",
            ])
    return _table(("figure", "wanted", "measured", "of what", "spread", "command"), rows)


def wanted(figure: Mapping[str, Any]) -> str:
    """The bound, and what would be the fastest of its kind."""
    bound = figure["wanted"]
    if bound is None:
        return "-"
    text = f"{bound['sign']} {amount(bound['bound'], figure['unit'])}"
    return text if bound["aim"] is None else f"{text} (then {amount(bound['aim'], figure['unit'])})"


def workloads(suites: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Every workload once, ``decisions`` with the scorer's place behind it when there are two."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, suite in suites.items():
        place = name.partition("/")[2]
        for workload, rounds in suite["workloads"].items():
            found.setdefault(f"{workload} ({place})" if place == "in_process" else workload, rounds)
    return found


def median(rounds: Sequence[Mapping[str, Any]], name: str) -> float:
    return statistics.median(one[name] for one in rounds)


def _latencies(suites: Mapping[str, Any]) -> str:
    rows = []
    for name, rounds in workloads(suites).items():
        busy = median(rounds, "generator_cpu")
        rows.append([
            name, f"{median(rounds, 'per_s'):,.0f}",
            f"{min(r['per_s'] for r in rounds):,.0f} .. {max(r['per_s'] for r in rounds):,.0f}",
            *(f"{median(rounds, latency):.2f}" for latency in _LATENCIES),
            f"{sum(sum(r['errors'].values()) for r in rounds)}", _share(rounds),
            f"{busy:.0%}" + (" (**bottleneck?**)" if busy > GENERATOR_CPU_MAX else ""),
        ])
    head = ("workload", "each/s", "spread", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "errors", "degraded",
            "generator's core")
    return _table(head, rows)


def _share(rounds: Sequence[Mapping[str, Any]]) -> str:
    answered = sum(one["answered"] * one["units"] for one in rounds)
    degraded = sum(one["degraded"] for one in rounds)
    return f"{degraded / answered:.1%}" if answered and degraded else "0"


def _cpu(suites: Mapping[str, Any]) -> str:
    rows = []
    for name, rounds in workloads(suites).items():
        spent = {role: cpu_us(rounds, role) for role in ROLES}
        rows.append([name, *(f"{spent[role]:,.0f}" if spent[role] else "-" for role in ROLES),
                     f"{sum(spent.values()):,.0f}"])
    return _table(("workload", *ROLES, "all"), rows)


def cpu_us(rounds: Sequence[Mapping[str, Any]], role: str) -> float:
    """Median microseconds of a role per decision."""
    return statistics.median(one["cpu_us"].get(role, 0.0) for one in rounds)


def _machines(suites: Mapping[str, Any]) -> str:
    rows = [
        [name, *(str(suite["machine"][key]) for key in ("taken", "cpu", "cores", "memory_gib", "load_before", "python",
                                                        "ray", "xgboost")),
         "; ".join(f"{key} {value}" for key, value in suite["facts"].items()) or "-"]
        for name, suite in suites.items()
    ]
    head = ("suite", "taken", "processor", "cores", "GiB", "load before", "Python", "Ray", "xgboost", "facts")
    return _table(head, rows)
