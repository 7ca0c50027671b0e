"""The PNGs beside the table: throughput, latencies, CPU per decision, start. Drawn from ``figures.json`` alone."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from loadtests.bench.cpu import ROLES
from loadtests.bench.tables import cpu_us, median, workloads

mpl.use("Agg")
Rounds = list[dict[str, Any]]

#: Workload -> what a reader calls it; the order of every plot.
_NAMES = {
    "uvicorn": "uvicorn alone, echo", "echo": "Serve echo", "decisions": "Kairos, HTTP",
    "decisions (in_process)": "Kairos, HTTP, scorer in process", "redis": "FastAPI + Redis, fsync always",
    "redis_everysec": "FastAPI + Redis, fsync every second", "batch": "Kairos, batches of 50",
    "batch (in_process)": "Kairos, batches of 50, scorer in process", "stream": "Kairos, stream",
    "stream (in_process)": "Kairos, stream, scorer in process",
}
_COLOURS = {"kairos": "#2457a6", "reference": "#9a9a9a", "redis": "#c0562b"}
_ROLE_COLOURS = dict(zip(ROLES, (
    "#b7c9e2", "#2457a6", "#1b9e77", "#e6ab02", "#a6761d", "#66c2a5", "#5b3a8c", "#9a9a9a", "#bdbdbd", "#e8905b",
    "#c0562b", "#e0e0e0",
    "#7570b3",
), strict=True))
_SIZE = (10.0, 5.5)


def draw(suites: Mapping[str, Any], folder: Path) -> list[Path]:
    """Every plot that these suites have the data for; returns the files."""
    measured = workloads(suites)
    drawn = [
        _save(folder / "throughput.png", measured, _NAMES, _throughput),
        _save(folder / "latency.png", measured, ("uvicorn", "echo", "decisions", "decisions (in_process)", "redis",
                                                 "redis_everysec"), _latency_at_64),
        _save(folder / "latency_half_load.png", measured, _halves(), _latency_at_half),
        _save(folder / "cpu.png", measured, _NAMES, _cpu),
    ]
    if "start" in suites:
        drawn.append(_save(folder / "start.png", suites["start"]["found"], ("kairos_s", "serve_s"), _start))
    return [path for path in drawn if path is not None]


def _halves() -> tuple[str, ...]:
    return ("echo_half", "decisions_half", "decisions_half (in_process)", "redis_half")


def _save(
    path: Path, found: Mapping[str, Any], names: Any, plot: Callable[[Axes, dict[str, Any]], None],
) -> Path | None:
    chosen = {name: found[name] for name in names if name in found}
    if not chosen:
        return None
    canvas = Canvas(figsize=_SIZE, layout="constrained")
    plot(canvas.add_subplot(), chosen)
    canvas.savefig(path, dpi=130)
    return path


def _title(name: str) -> str:
    base = name.replace("_half", "")
    return _NAMES.get(base, base)


def _colour(name: str) -> str:
    if name.startswith("redis"):
        return _COLOURS["redis"]
    return _COLOURS["reference" if name.startswith(("echo", "uvicorn")) else "kairos"]


def _throughput(axes: Axes, found: dict[str, Rounds]) -> None:
    names = list(found)[::-1]
    middles = [median(found[name], "per_s") for name in names]
    least = [middle - min(one["per_s"] for one in found[name]) for name, middle in zip(names, middles, strict=True)]
    most = [max(one["per_s"] for one in found[name]) - middle for name, middle in zip(names, middles, strict=True)]
    bars = axes.barh([_title(name) for name in names], middles, xerr=[least, most], capsize=3,
                     color=[_colour(name) for name in names], ecolor="#444444")
    axes.bar_label(bars, labels=[f"{middle:,.0f}" for middle in middles], padding=6, fontsize=9)
    axes.margins(x=0.15)
    axes.set_xlabel("decisions (echoes: requests) per second; median of the rounds, least and most")
    axes.set_title("Throughput, all in one interleaved run (64 connections; stream: 256 frames in flight)")


def _latency_at_64(axes: Axes, found: dict[str, Rounds]) -> None:
    _latency(axes, found)
    axes.set_title("Latency at peak throughput, 64 connections, closed loop")


def _latency_at_half(axes: Axes, found: dict[str, Rounds]) -> None:
    _latency(axes, found)
    axes.set_title("Latency at half of each system's own peak: constant arrivals, from the moment a request was due")


def _latency(axes: Axes, found: dict[str, Rounds]) -> None:
    """Percentiles on an axis on which each nine takes the same room."""
    for name, rounds in found.items():
        curves = [dict(one["curve"]) for one in rounds]
        shared = sorted(set.intersection(*(set(curve) for curve in curves)))
        axes.plot(
            [100 / (100 - at) for at in shared], [statistics.median(curve[at] for curve in curves) for at in shared],
            label=_title(name), color=_colour(name), linestyle="--" if "in_process" in name or "every" in name else "-",
            marker=".", alpha=0.6 if name.startswith("uvicorn") else 1.0,
        )
    ticks = (50, 90, 99, 99.9)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks([100 / (100 - at) for at in ticks], [f"p{at:g}" for at in ticks])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.3)
    axes.set_xlabel("percentile")
    axes.set_ylabel("milliseconds (log); median of the rounds")
    axes.legend(fontsize=9)


def _cpu(axes: Axes, found: dict[str, Rounds]) -> None:
    names = list(found)[::-1]
    titles = [_title(name) for name in names]
    left = [0.0] * len(names)
    for role in ROLES:
        spent = [cpu_us(found[name], role) for name in names]
        if not any(spent):
            continue
        axes.barh(titles, spent, left=left, label=role, color=_ROLE_COLOURS[role], edgecolor="white", linewidth=0.4)
        left = [before + more for before, more in zip(left, spent, strict=True)]
    for title, total in zip(titles, left, strict=True):
        axes.text(total, title, f" {total:,.0f}", va="center", fontsize=9)
    axes.margins(x=0.12)
    axes.set_xlabel("microseconds of CPU per decision (echoes: per request), all processes; generator not counted")
    axes.set_title("Who pays for a decision")
    axes.legend(fontsize=8, loc="lower right")


def _start(axes: Axes, found: dict[str, list[float]]) -> None:
    titles = {"kairos_s": "kairos up --detach, empty folder", "serve_s": "Ray, Serve with HAProxy, one echo"}
    names = [name for name in titles if name in found][::-1]
    for name in names:
        bar = axes.barh([titles[name]], [statistics.median(found[name])],
                        color=_COLOURS["kairos" if name == "kairos_s" else "reference"])
        axes.bar_label(bar, fmt="%.1f s", label_type="center", color="white")
        axes.plot(found[name], [titles[name]] * len(found[name]), "k.", markersize=5)
    axes.margins(x=0.15)
    axes.set_xlabel("seconds from the command to the first answer; median bar, each round a dot")
    axes.set_title("Start to ready")
