"""Figures on their way from a process to the gateway that shows them: ``{name: [[label values, number], ...]}``, a
histogram's as ``[label values, [observations by bucket], sum]``. What cannot be right is left out, not shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from actors.metrics.family import Family
from actors.metrics.spread import Spread

Told = dict[str, list[list[Any]]]


class Telling:
    """Builds what a process tells."""

    def __init__(self) -> None:
        self.told: Told = {}

    def number(self, family: Family, value: float, *labels: str) -> None:
        self.told.setdefault(family.name, []).append([list(labels), value])

    def spread(self, family: Family, spread: Spread, *labels: str) -> None:
        self.told.setdefault(family.name, []).append([list(labels), spread.counts, spread.total])


def shown(
    family: Family, told: Mapping[tuple[str, ...], Sequence[Sequence[Any]]], names: tuple[str, ...] = ()
) -> Metric:
    """A family as Prometheus collects it. ``told``: rows by whose they are, for which ``names`` are the labels."""
    labels = [*names, *family.labels]
    if family.kind == "histogram":
        histogram = HistogramMetricFamily(family.name, family.help, labels=labels)
        for whose, rows in told.items():
            for row in rows:
                if _fits(family, row, 3) and len(row[1]) == len(family.bounds) + 1:
                    spread = Spread(family.bounds)
                    spread.add(row[1], row[2])
                    histogram.add_metric([*whose, *row[0]], list(spread.cumulative()), spread.total)
        return histogram
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric: CounterMetricFamily | GaugeMetricFamily = kind(family.name, family.help, labels=labels)
    for whose, rows in told.items():
        for row in rows:
            if _fits(family, row, 2):
                metric.add_metric([*whose, *row[0]], float(row[1]))
    return metric


def _fits(family: Family, row: Sequence[Any], length: int) -> bool:
    return len(row) == length and len(row[0]) == len(family.labels)
