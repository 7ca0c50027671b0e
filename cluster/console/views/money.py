"""Budgets: what became of a cap, where the units lie, and whether the pace fits the period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from models.times import format_time, parse_time_ms

#: Before this share of a period has passed, what was spent tells nothing of how it will end.
_TOO_EARLY: Final = 0.05
#: How far, in shares of the cap, the projected end may lie below it and still be called on pace.
_NEAR: Final = 0.1

Verdict = Literal["early", "slow", "even", "fast", "spent"]


@dataclass(frozen=True, slots=True)
class Share:
    """What lies at one shard; ``free``: granted, and neither held nor spent."""

    shard: int
    granted: int
    spent: int
    held: int
    free: int


@dataclass(frozen=True, slots=True)
class Pace:
    """Of a budget with a period. ``elapsed``, ``spent``: shares of the period and of the cap; ``verdict``: ``early``
    (nothing can be told yet), ``slow`` (units will be left over), ``even``, ``fast`` (dry before the end), ``spent``
    (the cap is spent or held)."""

    kind: str
    start: str
    until: str
    elapsed: float
    spent: float
    verdict: Verdict
    #: Units that will be spent at the end of the period if it goes on like this; None: too early.
    projected: int | None
    #: When the cap will be spent; None: not within the period.
    dry: str | None


@dataclass(frozen=True, slots=True)
class Budget:
    """Units. ``free``: neither spent nor held, wherever they lie (below 0: the cap was cut below what is held);
    ``at_shards``: the part of it that shards have already; ``in_pool``: the part that nobody was granted."""

    id: str
    unit: str
    cap: int
    spent: int
    held: int
    free: int
    at_shards: int
    in_pool: int
    unfunded: int
    #: Decisions that went without.
    dry: int
    pace: Pace | None
    shares: tuple[Share, ...]

    @property
    def is_in_catalog(self) -> bool:
        """A budget that left the catalog is shown while units of it are held."""
        return bool(self.unit)

    @property
    def is_dry(self) -> bool:
        return self.free <= 0

    @property
    def whole(self) -> int:
        """What the bar stands for: the cap, or what was used where that is more."""
        return max(1, self.cap, self.spent + self.held)

    @property
    def segments(self) -> tuple[tuple[str, float, float], ...]:
        """(kind, from, width) of the bar's parts, in shares."""
        parts = (("spent", self.spent), ("held", self.held), ("granted", self.at_shards), ("pool", self.in_pool))
        drawn, begin = [], 0.0
        for kind, units in parts:
            width = max(0, units) / self.whole
            drawn.append((kind, begin, width))
            begin += width
        return tuple(drawn)


def budgets(told: Iterable[Mapping[str, Any]], dry: Mapping[str, int], now_ms: int) -> tuple[Budget, ...]:
    """``told``: of ``GET /v1/budgets``; ``dry``: by budget, of the funnel; ``now_ms``: the decision clock."""
    return tuple(_budget(one, dry.get(one["id"], 0), now_ms) for one in told)


def _budget(one: Mapping[str, Any], dry: int, now_ms: int) -> Budget:
    shares = tuple(_share(share) for share in one["shards"])
    free = one["available"]
    at_shards = max(0, min(free, sum(share.free for share in shares)))
    period = one["period"]
    return Budget(
        one["id"], one["unit"], one["cap"], one["spent"], one["held"], free, at_shards, max(0, free - at_shards),
        one["unfunded"], dry, _pace(one, period, now_ms) if period else None, shares,
    )


def _share(told: Mapping[str, int]) -> Share:
    granted, spent, held = told["granted"], told["spent"], told["held"]
    return Share(told["shard"], granted, spent, held, max(0, granted - spent - held))


def _pace(one: Mapping[str, Any], period: Mapping[str, str], now_ms: int) -> Pace:
    start_ms, end_ms = parse_time_ms(period["from"]), parse_time_ms(period["until"])
    cap, spent = one["cap"], one["spent"]
    elapsed = min(1.0, max(0.0, (now_ms - start_ms) / (end_ms - start_ms)))
    share = spent / cap if cap else 0.0
    if cap - spent - one["held"] <= 0:
        return Pace(period["kind"], period["from"], period["until"], elapsed, share, "spent", None, None)
    if elapsed < _TOO_EARLY:
        return Pace(period["kind"], period["from"], period["until"], elapsed, share, "early", None, None)
    projected = spent / elapsed
    dry_ms = start_ms + round(elapsed * (end_ms - start_ms) * cap / spent) if projected > cap else None
    verdict: Verdict = "fast" if projected > cap else "slow" if projected < cap * (1 - _NEAR) else "even"
    return Pace(
        period["kind"], period["from"], period["until"], elapsed, share, verdict, round(projected),
        None if dry_ms is None else format_time(dry_ms // 1_000 * 1_000),
    )
