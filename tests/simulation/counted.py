"""Counts of experiments, recounted from the facts of a journal alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from simulation.shard import Row

from models.profile.facts import Decided, Erased, ExperimentObserved, Fact, OutcomeApplied, ResponseEnded
from models.turn.shard_facts import CatalogAdopted

HOUR_MS = 3_600_000


@dataclass
class Part:
    """One customer's in one experiment."""

    variant: str
    since_ms: int
    until_ms: int
    accepts: int = 0
    value: int = 0
    is_over: bool = False


@dataclass
class Customer:
    parts: dict[str, Part] = field(default_factory=dict)
    #: (decision, action) -> when it was decided.
    decided: dict[tuple[str, str], int] = field(default_factory=dict)
    ended: set[tuple[str, str]] = field(default_factory=set)


def recount(rows: list[Row]) -> dict[tuple[str, str], Counter[str]]:
    """(experiment, variant) -> assigned, contacts, accepts, observed, and sums with squares of what was observed."""
    found: dict[tuple[str, str], Counter[str]] = {}
    customers: dict[bytes, Customer] = {}
    hours: dict[str, int] = {}
    for row in rows:
        for adopted in row.shard_facts:
            if isinstance(adopted, CatalogAdopted):
                written = adopted.catalog.get("experiments", [])
                hours = {one["id"]: int(one["observe"].removesuffix("h")) for one in written}
        for key, _, _, facts in row.segments:
            for fact in facts:
                _tell(customers.setdefault(key, Customer()), fact, row.now_ms, hours, found)
                if isinstance(fact, Erased):
                    del customers[key]
    return found


def _tell(who: Customer, fact: Fact, now_ms: int, hours: dict[str, int], found: dict[Any, Counter[str]]) -> None:
    if isinstance(fact, Decided):
        for item in fact.items:
            who.decided[fact.decision_id, item.action] = now_ms
        for id_, variant in fact.exposures:
            if id_ not in who.parts:
                who.parts[id_] = Part(variant, now_ms, now_ms + hours[id_] * HOUR_MS)
                found.setdefault((id_, variant), Counter())["assigned"] += 1
            assert who.parts[id_].variant == variant, "an assignment changed"
        who.parts = {id_: part for id_, part in who.parts.items() if not part.is_over or id_ in hours}
    elif isinstance(fact, ResponseEnded):
        who.ended.add((fact.decision_id, fact.action))
    elif isinstance(fact, OutcomeApplied):
        _outcome(who, fact, found)
    elif isinstance(fact, ExperimentObserved):
        part = who.parts[fact.experiment]
        assert not part.is_over, "an observation was counted twice"
        assert part.until_ms == fact.ended_ms <= now_ms
        assert (part.variant, part.accepts, part.value) == (fact.variant, fact.accepts, fact.value_micros)
        part.is_over = True
        found[fact.experiment, part.variant] += Counter({
            "observed": 1, "accepts_sum": part.accepts, "accepts_squares": part.accepts**2, "value_sum": part.value,
            "value_squares": part.value**2,
        })
        if fact.experiment not in hours:
            del who.parts[fact.experiment]


def _outcome(who: Customer, fact: OutcomeApplied, found: dict[Any, Counter[str]]) -> None:
    item = fact.decision_id, fact.action
    accepts = int(fact.accepted and item not in who.ended)
    worth = round(fact.value * 1e6) if fact.value is not None and fact.type in ("accept", "convert") else 0
    for id_, part in who.parts.items():
        if part.since_ms <= who.decided[item] and fact.counted_ms < part.until_ms and not part.is_over:
            part.accepts += accepts
            part.value = max(-(10**15), min(10**15, part.value + worth))
            found[id_, part.variant] += Counter({"contacts": int(fact.contact == "confirm"), "accepts": accepts})
