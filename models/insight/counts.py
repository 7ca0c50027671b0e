"""What is counted of a stretch of time. Counts add up: any two are merged, in any order, to the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Self

from models import limits
from models.arbitration.preparation import GATES
from models.insight.tables import Table

#: The gates that remove an action, and ``ranked`` for those that passed all of them and were not chosen: the first
#: columns of a cell, in the order of ``GATES``.
REMOVED: Final = GATES[1:13]
#: The other columns. What ends a held-out customer's item is counted in both; ``value`` in whole units and millionths.
CELL: Final = (
    *REMOVED, "chosen", "fallback", "confirmed", "accepted", "negative", "value_units", "value_micros",
    "control_chosen", "control_confirmed", "control_accepted",
)
CELL_AT: Final = {name: place for place, name in enumerate(CELL)}
CHANNEL: Final = ("decisions", "degraded", "held_out")
POLICY: Final = ("granted", "refused")
GRANTED, REFUSED = 0, 1
BUDGET: Final = ("dry",)


class Counts:
    __slots__ = ("budgets", "cells", "channels", "events", "outcomes", "policies", "unread")

    def __init__(self) -> None:
        #: (action, channel) -> ``CELL``.
        self.cells = Table(len(CELL), limits.INSIGHT_CELLS_MAX)
        #: (channel,) -> ``CHANNEL``.
        self.channels = Table(len(CHANNEL), limits.INSIGHT_CHANNELS_MAX)
        #: (policy, channel) -> ``POLICY``; (budget, channel) -> ``BUDGET``.
        self.policies = Table(len(POLICY), limits.INSIGHT_RULES_MAX)
        self.budgets = Table(len(BUDGET), limits.INSIGHT_RULES_MAX)
        self.events = 0
        self.outcomes = 0
        #: Decisions of which only that they were is known: their customer was erased before they were read.
        self.unread = 0

    @property
    def decisions(self) -> int:
        return int(self.channels.sums()[0]) + self.unread

    @property
    def degraded(self) -> int:
        return int(self.channels.sums()[1])

    @property
    def held_out(self) -> int:
        return int(self.channels.sums()[2])

    def merge(self, other: Counts) -> None:
        """Add all of ``other``, which stays as it is."""
        self.cells.merge(other.cells)
        self.channels.merge(other.channels)
        self.policies.merge(other.policies)
        self.budgets.merge(other.budgets)
        self.events += other.events
        self.outcomes += other.outcomes
        self.unread += other.unread

    def to_wire(self) -> list[Any]:
        """Equal for equal counts."""
        tables = (self.cells, self.channels, self.policies, self.budgets)
        return [*(table.to_wire() for table in tables), self.events, self.outcomes, self.unread]

    @classmethod
    def from_wire(cls, wire: Sequence[Any]) -> Self:
        counts = cls()
        counts.cells = Table.from_wire(wire[0], len(CELL), limits.INSIGHT_CELLS_MAX)
        counts.channels = Table.from_wire(wire[1], len(CHANNEL), limits.INSIGHT_CHANNELS_MAX)
        counts.policies = Table.from_wire(wire[2], len(POLICY), limits.INSIGHT_RULES_MAX)
        counts.budgets = Table.from_wire(wire[3], len(BUDGET), limits.INSIGHT_RULES_MAX)
        counts.events, counts.outcomes, counts.unread = wire[4:]
        return counts


assert REMOVED[0] == "request"
assert REMOVED[-1] == "ranked"
