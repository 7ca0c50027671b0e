"""Runs of the simulation, what they say of linearity, and which limit comes first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Final

from loadtests.scale_out.measured import ServiceTimes, measure
from loadtests.scale_out.simulation import Outcome, Shape, Town

NODES: Final = (1, 2, 4, 8, 16, 32, 64)
STORE_CORES: Final = 16


def simulate(
    times: ServiceTimes, nodes: Sequence[int], store_cores: int, say: Callable[[str], None],
) -> list[Outcome]:
    found = []
    for count in nodes:
        say(f"{count} machines")
        found.append(Town(times, Shape(count, store_cores)).run())
    return found


def run(store: str = "sqlite") -> dict[str, Any]:
    """For ``make bench``."""
    times = measure(store, lambda _: None)
    outcomes = simulate(times, NODES, STORE_CORES, lambda _: None)
    return {
        "service_times": asdict(times), "outcomes": [asdict(one) for one in outcomes],
        "linearity": linearity(outcomes), "bottleneck": bottleneck(outcomes[-1]), "nodes": outcomes[-1].nodes,
        "per_s": outcomes[-1].per_s,
    }


def linearity(outcomes: Sequence[Outcome]) -> float:
    """Decisions per machine and second at the most machines, over those at the fewest."""
    first, last = outcomes[0], outcomes[-1]
    return (last.per_s / last.nodes) / (first.per_s / first.nodes)


def bottleneck(outcome: Outcome) -> str:
    """What is nearest to its limit."""
    return max(outcome.busy, key=lambda name: outcome.busy[name])


def table(times: ServiceTimes, outcomes: Sequence[Outcome]) -> str:
    """Markdown."""
    told = ", ".join(f"{name} {value:.4g}" for name, value in asdict(times).items() if isinstance(value, float))
    lines = [
        f"service times ({times.store}): {told}", "",
        "| machines | decisions/s | per machine | p50 ms | p99 ms | in a turn | in a call | nearest limit | store |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in outcomes:
        nearest, store = bottleneck(one), one.busy["the store's cores"]
        lines.append(
            f"| {one.nodes} | {one.per_s:,.0f} | {one.per_s / one.nodes:,.0f} | {one.p50_ms:.1f} | {one.p99_ms:.1f} | "
            f"{one.turn:.1f} | {one.call:.1f} | {nearest} ({one.busy[nearest]:.0%}) | {store:.0%} |"
        )
    share = linearity(outcomes)
    return "\n".join([*lines, "", f"linear to {share:.1%} from {outcomes[0].nodes} to {outcomes[-1].nodes} machines"])
