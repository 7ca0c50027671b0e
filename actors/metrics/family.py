"""What a figure is called, what it means and by what it is split. Names in base units; every set of labels bounded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

#: Seconds: from a tenth of a millisecond, where stages of a turn begin, to what no caller waits for.
SECONDS: Final = (
    0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.008, 0.012, 0.02, 0.035, 0.06, 0.1, 0.25, 0.5, 1.0, 2.5,
    10.0,
)
COMMANDS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)


@dataclass(frozen=True, slots=True)
class Family:
    #: As Prometheus has it, but a counter's without ``_total``.
    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    #: Beside those that say whose figure it is.
    labels: tuple[str, ...] = ()
    #: Of a histogram.
    bounds: tuple[float, ...] = ()

    @property
    def exposed(self) -> tuple[str, ...]:
        """The names of its series."""
        if self.kind == "counter":
            return (f"{self.name}_total",)
        if self.kind == "histogram":
            return (f"{self.name}_bucket", f"{self.name}_count", f"{self.name}_sum")
        return (self.name,)


def counter(name: str, help_: str, *labels: str) -> Family:
    return Family(name, "counter", help_, labels)


def gauge(name: str, help_: str, *labels: str) -> Family:
    return Family(name, "gauge", help_, labels)


def histogram(name: str, help_: str, *labels: str, bounds: tuple[float, ...] = SECONDS) -> Family:
    return Family(name, "histogram", help_, labels, bounds)


def by_name(families: Iterable[Family]) -> dict[str, Family]:
    return {family.name: family for family in families}
