"""The coordinator's side of the escrow: who was granted how much, what to grant next, whose idle units to recall.

Pure arithmetic over one budget and period; called by ``models.coordination.granting``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from models.errors import InvariantBroken


@dataclass(slots=True)
class Account:
    """One (budget, period) over all shards. ``granted`` and ``returned`` are cumulative and durable here before a
    shard hears of them; the other totals are what each shard reported last."""

    granted: dict[int, int] = field(default_factory=dict)
    returned: dict[int, int] = field(default_factory=dict)
    spent: dict[int, int] = field(default_factory=dict)
    held: dict[int, int] = field(default_factory=dict)
    unfunded: dict[int, int] = field(default_factory=dict)

    @property
    def outstanding(self) -> int:
        """Units that shards hold, have spent, or may still spend: never above the cap by a grant."""
        return sum(self.granted.values()) - sum(self.returned.values())

    def idle(self, shard: int) -> int:
        """Units at a shard that nobody held or spent when it last reported (grants under way included)."""
        used = self.returned.get(shard, 0) + self.spent.get(shard, 0) + self.held.get(shard, 0)
        return max(0, self.granted.get(shard, 0) - used)

    def to_wire(self) -> list[Any]:
        return [self.granted, self.returned, self.spent, self.held, self.unfunded]

    def validate(self, name: str) -> None:
        for shard, total in self.returned.items():
            if not 0 <= total <= self.granted.get(shard, 0):
                raise InvariantBroken(
                    f"budget {name}: shard {shard} returned {total} of {self.granted.get(shard, 0)} granted units"
                )


@dataclass(frozen=True, slots=True)
class Need:
    """A shard that asks for what one decision needs: the largest of ``sizes`` that can be had."""

    shard: int
    #: Not empty, the largest first.
    sizes: tuple[int, ...]
    #: What it would like.
    units: int
    #: A decision went without. Only such a shard may take another's last units.
    urgent: bool


@dataclass(frozen=True, slots=True)
class Relief:
    #: Shard -> units of the pool that wait for it, and for nobody else.
    reserved: Mapping[int, int]
    #: Shard -> idle units to give back.
    recalls: Mapping[int, int]


def grant_units(want: int, free: int, unit: int, shards: int) -> int:
    """``min(want, free, max(unit, free // (2 x shards)))``: shares that shrink as the budget runs down, and lumps of
    ``unit`` at its end."""
    return max(0, min(want, free, max(unit, free // (2 * shards))))


def relieve(account: Account, cap: int, needs: Iterable[Need], donors: Iterable[int], shards: int) -> Relief:
    """Whose idle units to gather, and for whom, so that any units that one decision needs can be won anywhere.

    ``needs`` in the order in which they are served; ``donors`` are the shards whose units may be recalled now. What
    exceeds the cap is recalled first. An urgent need takes what it lacks from wherever it lies; a calm one only what
    leaves two decisions' units at each donor, so that units do not wander to and fro. A need that all reachable units
    together cannot meet, in any of its sizes, moves nothing.
    """
    idle = {shard: account.idle(shard) for shard in donors}
    pool = cap - account.outstanding
    reserved: dict[int, int] = {}
    recalls: dict[int, int] = {}
    if pool < 0:
        _recall(recalls, idle, -pool, keep=0)
        pool = 0
    for need in needs:
        own = idle.pop(need.shard, 0)
        keep = 0 if need.urgent else 2 * need.sizes[0]
        within_reach = pool + sum(max(0, units - keep) for units in idle.values())
        lacking = _lacking(need, account.idle(need.shard), within_reach)
        if not lacking:
            idle[need.shard] = own
            continue
        wanted = max(lacking, min(need.units, within_reach // (2 * shards)))
        taken = min(pool, wanted)
        pool -= taken
        reserved[need.shard] = taken
        _recall(recalls, idle, wanted - taken, keep)
    return Relief(reserved, recalls)


def _lacking(need: Need, own: int, within_reach: int) -> int:
    """Units to add to ``own`` for the largest size that can be had; 0 when none can, or none is needed."""
    for size in need.sizes:
        if own >= size:
            return 0
        if size - own <= within_reach:
            return size - own
    return 0


def _recall(recalls: dict[int, int], idle: dict[int, int], units: int, keep: int) -> None:
    """Ask the richest donors first, each down to ``keep``; what they are asked for is idle no longer."""
    for shard in sorted(idle, key=lambda s: (-idle[s], s)):
        taken = min(units, max(0, idle[shard] - keep))
        if taken:
            recalls[shard] = recalls.get(shard, 0) + taken
            idle[shard] -= taken
            units -= taken
