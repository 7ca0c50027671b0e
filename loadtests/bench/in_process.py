"""The benchmarks without a network: their figures, from what each found."""

from __future__ import annotations

import importlib
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from actors.logs import configure_logs
from loadtests.bench.figures import Figure, Wanted, figure
from models.errors import KairosError


@dataclass(frozen=True, slots=True)
class Benchmark:
    """``module`` has ``run()``; ``figures`` reads what it returned."""

    module: str
    figures: Callable[[dict[str, Any]], list[Figure]]


def _one(name: str, value: float, unit: Any, wanted: Wanted | None = None, note: str = "") -> Figure:
    return figure(name, [value], unit, wanted, note)


def _engine(found: dict[str, Any]) -> list[Figure]:
    note = f"{found['decision_us']:.0f} us per decision; bare {found['bare_predict_ms']:.2f} ms per turn's rows"
    return [
        figure("engine / bare xgboost", found["ratios"], "x", Wanted("at most", 3.5, 2.0), note),
        _one("engine / bare xgboost by CPU seconds", found["cpu_ratio"], "x", None,
             f"{found['decision_cpu_us']:.0f} us of CPU per decision"),
        _one("engine, p99 of a turn", found["turn_p99_ms"], "ms"),
    ]


def _flat(found: dict[str, Any]) -> list[Figure]:
    return [
        _one("cost at 5,000 events / at 10", found["history_ratio"], "x", Wanted("at most", 1.2)),
        _one("cost at 1,000 actions / at 10, same survivors", found["catalog_ratio"], "x", Wanted("at most", 3.0)),
    ]


def _memory(found: dict[str, Any]) -> list[Figure]:
    return [
        _one("memory per resident customer", found["rss_bytes_per_customer"], "B", Wanted("at most", 1_600),
             f"{found['packed_bytes_per_customer']:.0f} B of it the packed profile"),
        _one("first decision after kill -9, 100,000 customers", found["first_decision_s"], "s", Wanted("at most", 5.0)),
    ]


def _scorer(found: dict[str, Any]) -> list[Figure]:
    figures = []
    for rows, ways in found.items():
        if isinstance(ways, dict):
            figures += [
                figure(f"scorer in the turn, in process, {rows} / bare inplace_predict", ways["in process"]["ratios"],
                       "x", Wanted("at most", 1.2)),
                figure(f"scorer in the turn, through Serve, {rows}: p50 above bare inplace_predict",
                       ways["link"]["above_ms"], "ms", Wanted("at most", 2.0)),
            ]
            figures += [
                _one(f"scorer, {rows}, {way}: CPU / bare xgboost", told["cpu_ratio"], "x", None,
                     f"p50 {told['p50_us']:,.0f} us, CPU {told['cpu_us']:,.0f} us")
                for way, told in ways.items() if way != "bare xgboost"
            ]
    return figures


def _scale(found: dict[str, Any]) -> list[Figure]:
    resident, on_disk = f"{found['resident_customers']:,}", f"{found['disk_customers']:,}"
    sizes = found["disk_rss_bytes"]
    return [
        _one(f"{resident} customers resident in one shard", found["resident_rss_bytes"], "B", Wanted("at most", 2e9)),
        _one(f"a resident customer among {resident}", found["bytes_per_resident"], "B", Wanted("at most", 1_600)),
        _one(f"start with {resident} customers on disk, to the first decision", found["start_s"], "s",
             Wanted("at most", 10.0)),
        figure(f"memory of a shard with {on_disk} customers on disk", sizes, "B", None,
               f"{sizes[-1] / sizes[len(sizes) // 2]:.2f} x from the middle of the run to its end"),
    ]


def _scale_out(found: dict[str, Any]) -> list[Figure]:
    nodes, per_s = found["nodes"], found["per_s"]
    return [
        _one(f"decisions per machine, {nodes} simulated machines / one", found["linearity"], "x",
             Wanted("at least", 0.9), f"{per_s:,.0f}/s in all; nearest its limit: {found['bottleneck']}"),
    ]


def _learning(found: dict[str, Any]) -> list[Figure]:
    of = f"{found['rows']:,} x {found['features']}"
    own = statistics.median(found["seconds"]["own"])
    figures = [
        figure(f"final fit and calibration / bare xgboost, {of}", found["fit_ratios"], "x", Wanted("at most", 1.3),
               f"{own:.1f} s for {found['rounds']} trees with {found['threads']} threads"),
        figure("the same by CPU seconds", found["fit_cpu_ratios"], "x"),
    ]
    for rows, told in found["scoring"].items():
        if isinstance(told, dict):
            figures.append(figure(f"calibrated score / bare inplace_predict, {rows}", told["ratios"], "x",
                                  Wanted("at most", 1.2), f"{told['calibrated']:.0f} us"))
    if "stages" in found:
        whole = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in found["stages"].items())
        figures.append(_one(f"`kairos train`, {of}", sum(found["stages"].values()), "s", None, whole))
    return figures


IN_PROCESS = {
    "engine": Benchmark("loadtests.engine", _engine),
    "scorer": Benchmark("loadtests.scorer", _scorer),
    "flat": Benchmark("loadtests.flat", _flat),
    "memory": Benchmark("loadtests.memory", _memory),
    "scale": Benchmark("loadtests.scale", _scale),
    "scale_out": Benchmark("loadtests.scale_out.report", _scale_out),
    "learning": Benchmark("loadtests.learning.training", _learning),
}
#: Smaller sizes for ``--quick``.
_QUICK: dict[str, dict[str, int]] = {
    "scale": {"customers": 20_000, "on_disk": 40_000}, "learning": {"rows": 50_000, "rounds": 50, "repeats": 2},
}


def run(name: str, quick: bool = False) -> tuple[dict[str, Any], list[Figure]]:
    """What the benchmark found in a process of its own, and its figures."""
    sizes = _QUICK.get(name, {}) if quick else {}
    command = [sys.executable, "-m", "loadtests.bench.in_process", name, json.dumps(sizes)]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise KairosError(f"the benchmark {name} failed; see its output above")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found, IN_PROCESS[name].figures(found)


def main() -> None:
    configure_logs("warning")
    name, sizes = sys.argv[1], json.loads(sys.argv[2])
    print(json.dumps(importlib.import_module(IN_PROCESS[name].module).run(**sizes)), flush=True)


if __name__ == "__main__":
    main()
