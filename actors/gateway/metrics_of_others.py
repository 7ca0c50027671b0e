"""What shards, the coordinator, Insight and the console tell of themselves, and what Ray Serve says of replicas: in
Prometheus's form, without this gateway's label, so that it is one series whichever replica was asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from prometheus_client.core import Metric

from actors.metrics import of_gateway as families
from actors.metrics.family import Family
from actors.metrics.of_console import CONSOLE
from actors.metrics.of_coordinator import COORDINATOR
from actors.metrics.of_insight import INSIGHT
from actors.metrics.of_shard import SHARD
from actors.metrics.told import Told, shown

#: In Insight's figures: those of consoles, by replica.
CONSOLES: Final = "consoles"


@dataclass(frozen=True, slots=True)
class Others:
    """None for who does not answer. ``insight``: its figures, and under ``consoles`` those of each replica of the
    console. ``serving``: see ``actors.gateway.replicas``."""

    shards: Mapping[int, Told | None] = field(default_factory=dict)
    coordinator: Told | None = None
    insight: Mapping[str, Any] | None = None
    serving: Sequence[Mapping[str, Any]] = ()

    def shown(self) -> Iterable[Metric]:
        up = [[[str(shard)], int(told is not None)] for shard, told in self.shards.items()]
        running = [[[one["application"]], one["running"]] for one in self.serving]
        yield shown(families.SHARD_UP, {(): up})
        yield shown(families.COORDINATOR_UP, {(): [[[], int(self.coordinator is not None)]]})
        yield shown(families.INSIGHT_UP, {(): [[[], int(self.insight is not None)]]})
        yield shown(families.RUNNING, {(): running})
        consoles: Mapping[str, Told] = (self.insight or {}).get(CONSOLES, {})
        yield from _shown(SHARD, {(str(shard),): told for shard, told in self.shards.items()}, ("shard",))
        yield from _shown(COORDINATOR, {(): self.coordinator})
        yield from _shown(INSIGHT, {(): self.insight})
        yield from _shown(CONSOLE, {(replica,): told for replica, told in consoles.items()}, ("console",))


def _shown(
    known: Mapping[str, Family], told: Mapping[tuple[str, ...], Mapping[str, Any] | None], names: tuple[str, ...] = (),
) -> Iterable[Metric]:
    """``told``: by whose it is, for which ``names`` are the labels."""
    for name, family in known.items():
        rows = {whose: one[name] for whose, one in told.items() if one is not None and name in one}
        yield shown(family, rows, names)
