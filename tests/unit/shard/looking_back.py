"""Words for tests that look back at what a shard held before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from unit.shard.rig import START_MS, TENANT, Rig, decision, key, read, send

from actors.profile_shard import ProfileShard
from actors.shard import deciding_then, turning
from models.canonical import pack
from models.coordination.messages import CatalogNews, Instructions
from models.times import format_time
from models.turn.commands import EXPLAIN_PAST, OUTCOME, PAST_DECISION, RERUN, STANDING, Command

MINUTE, HOUR = 60_000, 3_600_000


def at_version(version: int) -> dict[str, int | None]:
    return {"version": version, "time_ms": None}


def at_time(time_ms: int) -> dict[str, int | None]:
    return {"version": None, "time_ms": time_ms}


def standing(customer_id: str, as_of: Any = None, policies: bool = False) -> Command:
    return read(customer_id, STANDING, as_of=as_of, policies=policies)


def deciding(customer_id: str, as_of: Any, **more: Any) -> Command:
    asked = decision(customer_id, "again", dry_run=True, explain=True, **more)
    return Command(EXPLAIN_PAST, asked.customer, customer_id, {**asked.body, "as_of": as_of}, "again", tenant=TENANT)


def about(kind: str, customer_id: str, decision_id: str) -> Command:
    assert kind in (PAST_DECISION, RERUN)
    return Command(kind, key(customer_id), "", {"decision_id": decision_id}, "x", tenant=TENANT)


def outcome(customer_id: str, outcome_id: str, decided: dict[str, Any], type_: str, time_ms: int) -> Command:
    item = decided["placements"][0]["items"][0]
    body = {
        "outcome_id": outcome_id, "decision_id": decided["decision_id"], "customer_id": None,
        "action": item["action"], "type": type_, "time_ms": time_ms, "value": None,
    }
    return Command(OUTCOME, key(customer_id), "", body, outcome_id, tenant=TENANT)


async def one(shard: ProfileShard, command: Command) -> Any:
    ((status, body),) = await send(shard, command)
    assert status == 200, body
    return body


async def move_clock(rig: Rig, shard: ProfileShard, to_ms: int) -> None:
    rig.coordinator.clock_ms = to_ms
    await shard.advance(pack(Instructions(1, clock_ms=to_ms).to_wire()))


async def publish(rig: Rig, shard: ProfileShard, plan: Any) -> None:
    rig.coordinator.catalog = CatalogNews(plan.version, dict(plan.catalog))
    await shard.advance(pack(Instructions(1, catalog=rig.coordinator.catalog).to_wire()))


async def checkpoint(shard: ProfileShard) -> None:
    await shard._loop.at_boundary(shard._loop._checkpointer.finish)


def image(shard: ProfileShard) -> Any:
    """All that a shard holds, on disk and in memory."""
    parts = shard._parts
    entries = {name: (e.seq, e.stored_seq, e.packed, e.due_ms) for name, e in parts.residency._entries.items()}
    journal = parts.store.journal
    return (
        parts.core.pack_state(), dict(parts.core.state.recent), journal.last_seq, journal.oldest_seq(),
        list(entries.items()), list(parts.residency._hot), parts.residency.bytes, parts.recent_rows.count, parts.tail,
        parts.counters.totals["rows"], parts.counters.totals["turns"],
    )


async def quiet(rig: Rig, shard: ProfileShard) -> None:
    """The coordinator says nothing more, and what it said is adopted."""
    rig.coordinator.gone = True
    for _ in range(3):
        await shard._sync.once()


@contextmanager
def same_draws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Decisions draw the same wherever they are made."""
    for module in (turning, deciding_then):
        monkeypatch.setattr(module, "os", SimpleNamespace(urandom=bytes))
    yield


def told_at(at_ms: int) -> str:
    return format_time(START_MS + at_ms)
