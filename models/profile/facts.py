"""What is logged about a customer. Facts are effects, already judged: applying one never refuses.

On the wire a fact is a msgpack list ``[tag, *fields]`` in field order. Tags are stable for ever; a new field
is appended with a default. Every fact but ``Born`` raises ``state_version`` by one. The clock of a fact is the
``now_ms`` of its turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any, ClassVar

from models import canonical
from models.immutable import immutable


@dataclass(frozen=True, slots=True)
class Born:
    """The first fact of a customer (and of its reincarnation after an erasure)."""

    TAG: ClassVar[int] = 1
    customer_id: str


@immutable
class EventApplied:
    TAG: ClassVar[int] = 2
    event_id: str
    type: str
    time_ms: int
    channel: str | None
    properties: dict[str, Any]
    #: Who sent it: "" for the API, else the source of a history import.
    source: str = ""
    #: Ids of ``after: {event}`` contact policies whose rule this event satisfied.
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AttributesChanged:
    TAG: ClassVar[int] = 3
    #: None removes.
    changes: dict[str, bool | float | str | None]


@dataclass(frozen=True, slots=True)
class ConsentChanged:
    TAG: ClassVar[int] = 4
    changes: dict[str, bool]


@immutable
class ItemChosen:
    """One item of a decision, inside ``Decided``. Nested on the wire as a plain list."""

    placement: str
    rank: int
    action: str
    treatment: str
    group: str
    issue: str
    fallback: bool
    selection_probability: float
    propensity: float | None
    priority: float | None
    #: 0 for a fallback: no hold.
    hold_expires_ms: int
    #: The outcome type that counts as success, and within which time after the contact's confirmation.
    accept_outcome: str
    accept_within_ms: int
    #: Held units: (budget id, units, period key, spend_on), at most the action's use and the treatment's. The period
    #: key is the budget's at the decision ("" without periods); spend_on is "accept" or "contact": when they are spent.
    budgets: tuple[tuple[str, int, str, str], ...] = ()


@immutable
class Decided:
    TAG: ClassVar[int] = 5
    decision_id: str
    request_id: str
    #: Of the validated request without ``deadline_ms`` and ``min_state_version``.
    fingerprint: bytes
    request: dict[str, Any]
    seed: bytes
    catalog_version: str
    scorer_version: str | None
    evidence_version: int
    #: Before this decision.
    state_version: int
    degraded: bool
    #: float32 little-endian, in the scorer's order of customer features; empty without a scorer.
    vector: bytes
    #: uint16 little-endian: indexes (in the plan's action order) of the actions that were scored.
    candidates: bytes
    #: float32 little-endian, one per candidate; empty when degraded or without a scorer.
    scores: bytes
    #: Budget id -> units that were free for this decision at this shard when it was resolved.
    free: dict[str, int]
    items: tuple[ItemChosen, ...]
    #: The answer's body, msgpack: a repeated request gets these bytes.
    reply: bytes
    #: (action, ((feature, contribution in log-odds), ...)) of the ranked actions, where the request asked to explain
    #: and the scorer said so in time.
    top_features: tuple[tuple[str, tuple[tuple[str, float], ...]], ...] = ()
    #: (experiment, variant) in force for this decision.
    exposures: tuple[tuple[str, str], ...] = ()
    #: What became of every action of the plan: see ``models.arbitration.fates``. Empty when an older writer logged it.
    fates: bytes = b""
    #: The holdout in which the customer was at the decision.
    control_group: str | None = None


@dataclass(frozen=True, slots=True)
class OutcomeApplied:
    TAG: ClassVar[int] = 6
    outcome_id: str
    decision_id: str
    action: str
    type: str
    #: As reported.
    time_ms: int
    #: Clamped to [decision time, now]: when it counts.
    counted_ms: int
    value: float | None
    #: What it does to the contact hold: "confirm", "release" or "".
    contact: str
    late: bool
    #: What it does to the held units: (budget id, "spend" | "release" | "unfunded") for every budget that it changes.
    budgets: tuple[tuple[str, str], ...] = ()
    #: True when this outcome is the item's first acceptance, which counts as evidence.
    accepted: bool = False
    #: Of the contact: its channel, and the holdout in which the customer was at the decision.
    channel: str = ""
    control_group: str | None = None


@dataclass(frozen=True, slots=True)
class HoldExpired:
    """Time alone released a contact hold that nobody confirmed, with its held budget units."""

    TAG: ClassVar[int] = 7
    decision_id: str
    action: str


@dataclass(frozen=True, slots=True)
class ResponseEnded:
    """``accept.within`` ended. ``silent``: without any positive or negative outcome, so ``none`` is written."""

    TAG: ClassVar[int] = 8
    decision_id: str
    action: str
    silent: bool
    #: The instant at which the window ended (not when the timer ran).
    ended_ms: int
    #: True when budget units were still held, and are released by this fact.
    budget_released: bool


@dataclass(frozen=True, slots=True)
class Erased:
    TAG: ClassVar[int] = 9
    receipt: str


@dataclass(frozen=True, slots=True)
class ExperimentObserved:
    """The time over which an exposed customer is observed has passed; what came of it is counted once, by this."""

    TAG: ClassVar[int] = 10
    experiment: str
    variant: str
    accepts: int
    #: In millionths of the unit in which outcomes are reported.
    value_micros: int
    #: The instant at which it ended (not when the timer ran).
    ended_ms: int


@dataclass(frozen=True, slots=True)
class ScoresRefreshed:
    """What the scorers of targets say of the customer now; targets that are not named keep their score."""

    TAG: ClassVar[int] = 11
    #: (target, value, scorer version).
    scores: tuple[tuple[str, float | str, str], ...]


Fact = (
    Born | EventApplied | AttributesChanged | ConsentChanged | Decided | OutcomeApplied | HoldExpired
    | ResponseEnded | Erased | ExperimentObserved | ScoresRefreshed
)
_BY_TAG: dict[int, type[Any]] = {
    kind.TAG: kind
    for kind in (
        Born, EventApplied, AttributesChanged, ConsentChanged, Decided, OutcomeApplied, HoldExpired,
        ResponseEnded, Erased, ExperimentObserved, ScoresRefreshed,
    )
}
_FIELDS: dict[type[Any], tuple[str, ...]] = {
    kind: tuple(f.name for f in fields(kind)) for kind in (*_BY_TAG.values(), ItemChosen)
}
#: One call in place of one per field: of a fact its tag and its fields, of an item its fields. A tuple, which msgpack
#: packs as a list.
_WIRES: dict[type[Any], Callable[[Any], tuple[Any, ...]]] = {
    kind: attrgetter(*([] if kind is ItemChosen else ["TAG"]), *names) for kind, names in _FIELDS.items()
}


def _plain(value: Any) -> Any:
    if type(value) is tuple:
        return [_plain(item) for item in value]
    if type(value) is ItemChosen:
        return list(_WIRES[ItemChosen](value))
    return value


def _item(wire: list[Any]) -> ItemChosen:
    item = ItemChosen(*wire)
    return replace(item, budgets=tuple((use[0], use[1], use[2], use[3]) for use in item.budgets))


def to_wire(fact: Fact) -> list[Any]:
    """A fact as a list that msgpack can pack."""
    return [*map(_plain, _WIRES[type(fact)](fact))]


def pack(facts: Sequence[Fact]) -> bytes:
    """The bytes of ``canonical.pack([to_wire(fact) for fact in facts])``, made in one pass: msgpack packs nested tuples
    as lists."""
    return canonical.pack(facts, default=_listed)


def _listed(value: Any) -> tuple[Any, ...]:
    wire = _WIRES.get(type(value))
    if wire is None:
        raise TypeError(f"a fact holds a {type(value).__name__}, which msgpack cannot say; facts hold plain values")
    return wire(value)


def from_wire(wire: list[Any]) -> Fact:
    """The inverse of ``to_wire``; fields that an older writer did not know take their defaults."""
    kind = _BY_TAG[wire[0]]
    values: list[Any] = list(wire[1:])
    if kind is Decided:
        values[14] = tuple(_item(item) for item in values[14])
        if len(values) > 16:
            values[16] = tuple((action, tuple((name, by) for name, by in top)) for action, top in values[16])
        if len(values) > 17:
            values[17] = tuple((experiment, variant) for experiment, variant in values[17])
    elif kind is EventApplied and len(values) > 6:
        values[6] = tuple(values[6])
    elif kind is OutcomeApplied and len(values) > 9:
        values[9] = tuple((budget, effect) for budget, effect in values[9])
    elif kind is ScoresRefreshed:
        values[0] = tuple((target, value, version) for target, value, version in values[0])
    fact: Fact = kind(*values)
    return fact


assert _FIELDS[Decided][14] == "items"
assert _FIELDS[Decided][16] == "top_features"
assert _FIELDS[Decided][17] == "exposures"
assert _FIELDS[EventApplied][6] == "marks"
assert _FIELDS[OutcomeApplied][9] == "budgets"
assert _FIELDS[ItemChosen][-1] == "budgets"
