"""A serving shard's figures, as ``actors.metrics`` shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from actors.metrics import of_shard as families
from actors.metrics.told import Telling, Told
from actors.shard.monitor_figures import tell_monitor
from actors.shard.parts import ShardParts
from models.monitoring.seen import Seen

#: Of a shard that takes no commands yet.
NOT_SERVING: Final[Told] = {families.SERVING.name: [[[], 0]]}


def figures(
    parts: ShardParts, waiting: Mapping[str, Any], is_degraded: bool, started_s: float, seen: Seen,
) -> Told:
    """``waiting``: the turn loop's view of its queues. ``started_s``: how long the start took. ``seen``: of scorers."""
    telling = Telling()
    _stand(telling, parts, is_degraded, started_s)
    telling.number(families.BACKLOG, waiting["backlog"])
    telling.number(families.PARKED, waiting["parked"])
    _turns(telling, parts)
    _memory(telling, parts)
    tell_monitor(telling, seen)
    return telling.told


def _stand(telling: Telling, parts: ShardParts, is_degraded: bool, started_s: float) -> None:
    journal, counters = parts.store.journal, parts.counters
    telling.number(families.SERVING, 1)
    telling.number(families.EPOCH, journal.epoch)
    telling.number(families.INCARNATION, parts.settings.incarnation)
    telling.number(families.ROWS_LAST, parts.core.state.seq)
    telling.number(families.DEGRADED, int(is_degraded))
    telling.number(families.TAIL_ROWS, parts.tail.turns)
    telling.number(families.TAIL_BYTES, parts.tail.bytes)
    telling.number(families.CHECKPOINT, counters.checkpoint_s)
    telling.number(families.CHECKPOINT_AGE, counters.checkpoint_age_s)
    telling.number(families.SYNC_AGE, counters.sync_age_s)
    telling.number(families.RECOVERY, started_s)
    telling.number(families.STORE_AWAY, journal.away_s)


def _turns(telling: Telling, parts: ShardParts) -> None:
    counters = parts.counters
    telling.spread(families.TURN, counters.turn)
    for stage, spread in counters.stages.items():
        telling.spread(families.STAGE, spread, stage)
    telling.spread(families.TURN_COMMANDS, counters.turn_commands)
    telling.spread(families.COMMIT, counters.commit)
    for name, family in families.TOTALS.items():
        telling.number(family, counters.totals[name])
    for kind in families.FACT_KINDS:
        telling.number(families.FACTS, counters.totals[kind], kind)
    for reason in families.REASONS:
        telling.number(families.REFUSED, counters.totals[reason], reason)


def _memory(telling: Telling, parts: ShardParts) -> None:
    resident = parts.residency
    telling.number(families.CUSTOMERS, resident.hot, "hot")
    telling.number(families.CUSTOMERS, len(resident) - resident.hot, "packed")
    telling.number(families.RESIDENT_BYTES, resident.bytes)
    telling.number(families.SCORES_PENDING, parts.stale.pending)
    telling.number(families.SCORES_AGE, parts.stale.age_s)
    next_ms = parts.due.next_ms()
    telling.number(families.TIMERS_LATE, max(0, parts.now_ms() - next_ms) / 1_000 if next_ms else 0)
