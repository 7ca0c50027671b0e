"""Journals made of facts, as the tools read them; no process, no store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from unit.scoring.scoring_catalog import catalog

from models import limits
from models.canonical import pack, unpack
from models.catalog.check import check_data
from models.profile.facts import Born, Decided, EventApplied, Fact, ItemChosen, OutcomeApplied, ResponseEnded, to_wire
from models.turn import shard_facts
from models.turn.shard_facts import CatalogAdopted, ShardFact

START_MS = 1_700_000_000_000
PLAN = check_data(catalog())
ADOPTED = CatalogAdopted(PLAN.version, dict(PLAN.catalog))


def item(action: str = "first", rank: int = 1, *, fallback: bool = False, at_ms: int = START_MS) -> ItemChosen:
    return ItemChosen(
        placement="hero", rank=rank, action=action, treatment=f"{action}_hero", group="coupons", issue="grow",
        fallback=fallback, selection_probability=0.25, propensity=None if fallback else 0.125,
        priority=None if fallback else 0.5, hold_expires_ms=0 if fallback else at_ms + limits.HOUR_MS,
        accept_outcome="accept", accept_within_ms=7 * limits.DAY_MS,
    )


def decided(id_: str, at_ms: int, items: Sequence[ItemChosen] | None = None, **changed: Any) -> Decided:
    return Decided(**({
        "decision_id": id_, "request_id": id_, "fingerprint": b"", "request": {"channel": "web"}, "seed": b"",
        "catalog_version": PLAN.version, "scorer_version": None, "evidence_version": 0, "state_version": 1,
        "degraded": False, "vector": b"", "candidates": b"", "scores": b"", "free": {},
        "items": tuple(items or (item(at_ms=at_ms),)), "reply": pack({}),
    } | changed))


def outcome(decision: str, kind: str, at_ms: int, action: str = "first") -> OutcomeApplied:
    accepted = kind == "accept"
    return OutcomeApplied(
        outcome_id=f"{decision}:{kind}", decision_id=decision, action=action, type=kind, time_ms=at_ms,
        counted_ms=at_ms, value=None, contact="" if accepted else "confirm", late=False, accepted=accepted,
    )


def visit(id_: str, at_ms: int) -> EventApplied:
    return EventApplied(id_, "visit", at_ms, "web", {})


class FactsJournals:
    """A ``JournalSource``. Rows that are made while they are read need no memory."""

    def __init__(self, shards: Sequence[Any], page_rows: int = 50) -> None:
        """Each shard: an iterable of (clock, shard facts, [(customer, facts or None)])."""
        self.shards = len(shards)
        self._rows: list[Iterator[Any]] = [iter(rows) for rows in shards]
        self._seq = 0
        self._page_rows = page_rows

    def rows(self, shard: int, after: int) -> dict[str, Any]:
        page = []
        for now_ms, facts, parts in self._rows[shard]:
            self._seq += 1
            page.append(_row(self._seq, now_ms, facts, parts))
            if len(page) == self._page_rows:
                break
        is_end = len(page) < self._page_rows
        return {"rows": page, "next": None if is_end else self._seq, "last": self._seq, "base": None}

    def base(self, shard: int, after: bytes) -> dict[str, Any]:
        return {"profiles": [], "next": None}


def _row(
    seq: int, now_ms: int, facts: Sequence[ShardFact], parts: Sequence[tuple[bytes, Sequence[Fact] | None]]
) -> dict[str, Any]:
    """As it comes over the wire."""
    segments = [
        [customer, 1, {}, None if given is None else [to_wire(fact) for fact in given]] for customer, given in parts
    ]
    row: dict[str, Any] = unpack(pack(
        {"seq": seq, "t": now_ms, "s": b"", "f": [shard_facts.to_wire(fact) for fact in facts], "g": segments}
    ))
    return row


def lives(
    decisions: int, *, customers: int = 20, prefix: str = "c", seed: int = 1, plan: Any = ADOPTED,
    apart_ms: int = limits.HOUR_MS,
) -> Iterator[Any]:
    """Decisions one after the other; who visited lately accepts more."""
    draw = np.random.default_rng(seed)
    yield START_MS, [plan], [(f"{prefix}{n}".encode(), [Born(f"{prefix}{n}")]) for n in range(customers)]
    for number in range(decisions):
        at_ms, name = START_MS + number * apart_ms, f"{prefix}{number % customers}"
        visits, id_ = int(draw.integers(0, 4)), f"d{prefix}{number}"
        facts: list[Fact] = [visit(f"{id_}{one}", at_ms) for one in range(visits)]
        ended_ms = at_ms - customers * apart_ms + 7 * limits.DAY_MS
        if number >= customers and ended_ms <= at_ms:
            facts.append(ResponseEnded(f"d{prefix}{number - customers}", "first", False, ended_ms, False))
        facts += [decided(id_, at_ms), outcome(id_, "impression", at_ms)]
        if draw.random() < visits / 5:
            facts.append(outcome(id_, "accept", at_ms))
        yield at_ms, [], [(name.encode(), facts)]
