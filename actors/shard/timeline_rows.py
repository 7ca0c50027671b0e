"""One journal row as a timeline shows it: its items, and which versions of the customer they made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models import canonical
from models.profile.facts import Born, Decided, EventApplied, Fact, OutcomeApplied, ResponseEnded
from models.times import format_time
from models.turn.commands import EVENT, HISTORY, OUTCOME
from models.turn.keys import Hint, key16


@dataclass(slots=True)
class RowRead:
    """What one row says of a customer."""

    #: ((row, place), item), oldest first.
    items: list[tuple[tuple[int, int], dict[str, Any]]]
    #: Of each item: how many versions the row has made up to it.
    steps: list[int]
    #: How many it made in all.
    made: int
    #: The version before the row, where one of its facts says it.
    before: int | None

    @classmethod
    def of(cls, seq: int, facts: Sequence[Fact], public: Mapping[str, Any], now_ms: int) -> RowRead:
        found = cls([], [], 0, None)
        hints = {key: hint for key, _, hint in public["i"]}
        for fact in facts:
            # Every fact makes one version, but for the birth, which is version 0.
            found.made += not isinstance(fact, Born)
            after = _version_after(fact, hints)
            if after is not None and found.before is None:
                found.before = after - found.made
            item = _told(fact, now_ms)
            if item is not None:
                found.items.append(((seq, len(found.items)), item))
                found.steps.append(found.made)
        return found


def _version_after(fact: Fact, hints: Mapping[bytes, bytes]) -> int | None:
    """The customer's version after a fact, where it or its idempotency key says so."""
    if isinstance(fact, Born):
        return 0
    if isinstance(fact, Decided):
        return fact.state_version + 1
    key = None
    if isinstance(fact, EventApplied):
        key = key16(HISTORY if fact.source else EVENT, fact.event_id)
    elif isinstance(fact, OutcomeApplied):
        key = key16(OUTCOME, fact.outcome_id)
    hint = hints.get(key) if key is not None else None
    return Hint.unpack(hint).state_version if hint is not None else None


def _told(fact: Fact, now_ms: int) -> dict[str, Any] | None:
    """A fact as an item; None for one that only the system needs."""
    if isinstance(fact, EventApplied):
        body: dict[str, Any] = {
            "event_id": fact.event_id, "type": fact.type, "time": format_time(fact.time_ms),
            "channel": fact.channel, "properties": fact.properties,
        }
        return _item("event", fact.time_ms, fact.event_id, body)
    if isinstance(fact, Decided):
        return _item("decision", now_ms, fact.decision_id, canonical.unpack(fact.reply))
    if isinstance(fact, OutcomeApplied):
        body = {
            "outcome_id": fact.outcome_id, "decision_id": fact.decision_id, "action": fact.action,
            "type": fact.type, "time": format_time(fact.time_ms), "value": fact.value,
        }
        if fact.late:
            body["late"] = True
        return _item("outcome", fact.time_ms, fact.outcome_id, body)
    if isinstance(fact, ResponseEnded) and fact.silent:
        # Written by the system: it has no id of a caller.
        body = {"decision_id": fact.decision_id, "action": fact.action, "type": "none",
                "time": format_time(fact.ended_ms), "value": None}
        return _item("outcome", fact.ended_ms, f"{fact.decision_id}:{fact.action}:none", body)
    return None


def _item(kind: str, time_ms: int, id_: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kind, "time": format_time(time_ms), "id": id_, "body": body, "state_version": None}
