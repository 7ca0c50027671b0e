"""Rows of journals, counted. A row's facts are read as they are on the wire, by the places of their fields: making
objects of them would cost more than all that is done with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

import numpy as np

from models import limits
from models.arbitration import fates
from models.canonical import unpack
from models.insight.counts import BUDGET, CELL, CELL_AT, GRANTED, POLICY, REFUSED, REMOVED, Counts
from models.insight.history import History
from models.insight.names import Chosen, Names
from models.profile.facts import Decided, Erased, EventApplied, ItemChosen, OutcomeApplied
from models.turn.outcomes import NEGATIVE

_DECIDED: Final = {one.name: place + 1 for place, one in enumerate(fields(Decided))}
_OUTCOME: Final = {one.name: place + 1 for place, one in enumerate(fields(OutcomeApplied))}
_ITEM: Final = {one.name: place for place, one in enumerate(fields(ItemChosen))}
_REQUEST, _VERSION, _ITEMS = _DECIDED["request"], _DECIDED["catalog_version"], _DECIDED["items"]
_DEGRADED, _REPLY = _DECIDED["degraded"], _DECIDED["reply"]
_FATES, _CONTROL = _DECIDED["fates"], _DECIDED["control_group"]
_VALUED: Final = ("accept", "convert")
#: A gate takes four bits.
_GATES: Final = 16


@dataclass(frozen=True, slots=True)
class Part:
    """One customer's part of a row."""

    customer: bytes
    #: Packed list of fact wires; None where they are erased, then ``tags`` says what they were.
    facts: bytes | None
    tags: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Row:
    seq: int
    clock_ms: int
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision as it was read."""

    seq: int
    clock_ms: int
    customer: bytes
    #: On the wire.
    fact: list[Any]

    @property
    def channel(self) -> str:
        return str(self.request["channel"])

    @property
    def request(self) -> dict[str, Any]:
        found: dict[str, Any] = self.fact[_REQUEST]
        return found

    @property
    def degraded(self) -> bool:
        return bool(self.fact[_DEGRADED])

    @property
    def items(self) -> Sequence[Sequence[Any]]:
        found: Sequence[Sequence[Any]] = self.fact[_ITEMS]
        return found

    @property
    def fates(self) -> bytes:
        found: bytes = self.fact[_FATES]
        return found

    @property
    def control_group(self) -> str | None:
        found: str | None = self.fact[_CONTROL]
        return found

    def answer(self) -> dict[str, Any]:
        """The logged answer."""
        found: dict[str, Any] = unpack(self.fact[_REPLY])
        return found

    def item(self, wire: Sequence[Any], name: str) -> Any:
        """A field of one of ``items``."""
        return wire[_ITEM[name]]


@dataclass(slots=True)
class Read:
    """What was met in rows, beside what was counted."""

    decisions: list[Decision] = field(default_factory=list)
    #: Customers whose erasure is in these rows, with the row of it.
    erased: dict[bytes, int] = field(default_factory=dict)
    #: Versions of catalogs that nobody has named: their decisions are counted without gates.
    unknown: set[str] = field(default_factory=set)


def read(rows: Sequence[Row], history: History, names: Mapping[str, Names], counted_after: int = 0) -> Read:
    """Count rows. Those up to ``counted_after`` were counted before: they are only read."""
    found = Read()
    groups: dict[tuple[str, str, int], list[Decision]] = {}
    for row in rows:
        history.reach(row.clock_ms)
        counts = history.at(row.clock_ms) if row.parts and row.seq > counted_after else None
        for part in row.parts:
            if part.facts is None:
                _unread(part, row.seq, counts, found)
                continue
            for wire in unpack(part.facts):
                tag = wire[0]
                if tag == Decided.TAG:
                    decision = Decision(row.seq, row.clock_ms, part.customer, wire)
                    found.decisions.append(decision)
                    if counts is not None:
                        minute = row.clock_ms // limits.MINUTE_MS
                        groups.setdefault((wire[_VERSION], decision.channel, minute), []).append(decision)
                elif tag == OutcomeApplied.TAG:
                    if counts is not None:
                        _count_outcome(counts, wire)
                elif tag == EventApplied.TAG:
                    if counts is not None:
                        counts.events += 1
                elif tag == Erased.TAG:
                    found.erased[part.customer] = row.seq
    for (version, channel, _), decisions in groups.items():
        known = names.get(version)
        if known is None:
            found.unknown.add(version)
        count(history.at(decisions[0].clock_ms), known, channel, decisions)
    return found


def _unread(part: Part, seq: int, counts: Counts | None, found: Read) -> None:
    for tag in part.tags:
        if tag == Erased.TAG:
            found.erased[part.customer] = seq
        elif counts is None:
            continue
        elif tag == Decided.TAG:
            counts.unread += 1
        elif tag == EventApplied.TAG:
            counts.events += 1
        elif tag == OutcomeApplied.TAG:
            counts.outcomes += 1


def count(counts: Counts, names: Names | None, channel: str, decisions: Sequence[Decision]) -> None:
    """Decisions of one channel and catalog."""
    held_out = sum(decision.control_group is not None for decision in decisions)
    degraded = sum(decision.degraded for decision in decisions)
    counts.channels.add_rows([(channel,)], np.array([[len(decisions), degraded, held_out]], np.int64))
    cells: dict[str, list[int]] = {}
    granted: dict[str, int] = {}
    for decision in decisions:
        is_held_out = decision.control_group is not None
        for item in decision.items:
            cell = cells.setdefault(item[_ITEM["action"]], [0, 0, 0])
            if item[_ITEM["fallback"]]:
                cell[1] += 1
                continue
            cell[0] += 1
            cell[2] += is_held_out
            if names is not None:
                chosen = Chosen(channel, *(item[_ITEM[name]] for name in ("action", "treatment", "group", "issue")))
                for policy in names.concerning(chosen):
                    granted[policy] = granted.get(policy, 0) + 1
    for action, (chosen_items, fallbacks, controls) in cells.items():
        numbers = np.zeros((1, len(CELL)), np.int64)
        numbers[0, CELL_AT["chosen"]], numbers[0, CELL_AT["fallback"]] = chosen_items, fallbacks
        numbers[0, CELL_AT["control_chosen"]] = controls
        counts.cells.add_rows([(action, channel)], numbers)
    for policy, many in granted.items():
        counts.policies.add((policy, channel), GRANTED, many)
    if names is not None:
        _count_fates(counts, names, channel, decisions)


def _count_fates(counts: Counts, names: Names, channel: str, decisions: Sequence[Decision]) -> None:
    logged = [decision.fates for decision in decisions if len(decision.fates) == 2 * len(names.actions)]
    if not logged or not names.actions:
        return
    codes = fates.read(b"".join(logged)).reshape(len(logged), len(names.actions))
    gates = fates.gates_of(codes)
    width = len(names.actions)
    flat = np.arange(width) * _GATES + gates
    by_gate = np.bincount(flat.ravel(), minlength=width * _GATES).reshape(width, _GATES)
    removed = by_gate[:, 1 : len(REMOVED) + 1]
    concerned = np.flatnonzero(removed.any(axis=1))
    block = np.zeros((len(concerned), len(CELL)), np.int64)
    block[:, : len(REMOVED)] = removed[concerned]
    cells = names.cells(channel)
    counts.cells.add_rows([cells[action] for action in concerned.tolist()], block)
    rules = fates.rules_of(codes)
    for rule, many in _tally(rules[gates == fates.CONTACT_POLICY]):
        counts.policies.add((names.refusing(rule), channel), REFUSED, many)
    for rule, many in _tally(rules[gates == fates.BUDGET]):
        counts.budgets.add((names.budgets[rule], channel), 0, many)


def _tally(rules: Any) -> list[tuple[int, int]]:
    found, many = np.unique(rules, return_counts=True)
    return list(zip(found.tolist(), many.tolist(), strict=True))


def _count_outcome(counts: Counts, wire: Sequence[Any]) -> None:
    counts.outcomes += 1
    channel, control = wire[_OUTCOME["channel"]], wire[_OUTCOME["control_group"]]
    confirmed, accepted = wire[_OUTCOME["contact"]] == "confirm", wire[_OUTCOME["accepted"]]
    type_, value = wire[_OUTCOME["type"]], wire[_OUTCOME["value"]]
    micros = round(value * limits.MICRO) if value is not None and type_ in _VALUED else 0
    numbers = np.zeros((1, len(CELL)), np.int64)
    numbers[0, CELL_AT["confirmed"]], numbers[0, CELL_AT["accepted"]] = confirmed, accepted
    numbers[0, CELL_AT["negative"]] = type_ in NEGATIVE
    numbers[0, CELL_AT["value_units"]], numbers[0, CELL_AT["value_micros"]] = divmod(micros, limits.MICRO)
    if control is not None:
        numbers[0, CELL_AT["control_confirmed"]], numbers[0, CELL_AT["control_accepted"]] = confirmed, accepted
    if numbers.any():
        counts.cells.add_rows([(wire[_OUTCOME["action"]], channel)], numbers)


assert len(POLICY) == 2
assert len(BUDGET) == 1
