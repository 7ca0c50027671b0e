"""What the coordinator logs. Effects, already judged, each a total or a version: applying one twice changes nothing.

On the wire: ``[tag, *fields]``. Tags are stable for ever; a new field is appended with a default.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class CatalogPublished:
    TAG: ClassVar[int] = 1
    version: str
    #: The validated catalog as plain data.
    catalog: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CapSet:
    """By a call, or because the catalog's value changed."""

    TAG: ClassVar[int] = 2
    budget: str
    cap: int


@dataclass(frozen=True, slots=True)
class ShardSeen:
    """A shard reported under a newer epoch: reports of older ones are refused from now on."""

    TAG: ClassVar[int] = 3
    shard: int
    epoch: int


@dataclass(frozen=True, slots=True)
class GrantMade:
    TAG: ClassVar[int] = 4
    shard: int
    budget: str
    period: str
    #: Ever granted, this grant included.
    total: int


@dataclass(frozen=True, slots=True)
class ReturnCredited:
    TAG: ClassVar[int] = 5
    shard: int
    budget: str
    period: str
    #: Ever returned.
    total: int


@dataclass(frozen=True, slots=True)
class UseReported:
    TAG: ClassVar[int] = 6
    shard: int
    budget: str
    period: str
    spent: int
    held: int
    unfunded: int


@dataclass(frozen=True, slots=True)
class AccountClosed:
    """An ended period in which nobody holds anything."""

    TAG: ClassVar[int] = 7
    budget: str
    period: str


@dataclass(frozen=True, slots=True)
class EvidencePublished:
    TAG: ClassVar[int] = 8
    version: int
    #: [shard, kind, id, accepts, contacts]: that shard's new cumulative counts.
    counts: list[list[Any]]


@dataclass(frozen=True, slots=True)
class ScorerRegistered:
    TAG: ClassVar[int] = 9
    version: str
    manifest: dict[str, Any]
    at_ms: int


@dataclass(frozen=True, slots=True)
class ClockSet:
    TAG: ClassVar[int] = 12
    clock_ms: int


@dataclass(frozen=True, slots=True)
class RolesChanged:
    """The roles as they are from now on, whole."""

    TAG: ClassVar[int] = 13
    #: ``models.coordination.rolebook.RoleBook.to_wire``.
    book: list[Any]


@dataclass(frozen=True, slots=True)
class ExperimentsCounted:
    """A shard's new cumulative counts of variants."""

    TAG: ClassVar[int] = 14
    shard: int
    #: As in ``models.experiments.counting``.
    rows: list[list[Any]]


Fact = (
    CatalogPublished | CapSet | ShardSeen | GrantMade | ReturnCredited | UseReported | AccountClosed
    | EvidencePublished | ScorerRegistered | RolesChanged | ClockSet | ExperimentsCounted
)
_KINDS: tuple[type[Any], ...] = (
    CatalogPublished, CapSet, ShardSeen, GrantMade, ReturnCredited, UseReported, AccountClosed, EvidencePublished,
    ScorerRegistered, RolesChanged, ClockSet, ExperimentsCounted,
)
_BY_TAG: dict[int, type[Any]] = {kind.TAG: kind for kind in _KINDS}
_FIELDS: dict[type[Any], tuple[str, ...]] = {kind: tuple(f.name for f in fields(kind)) for kind in _KINDS}


def to_wire(fact: Fact) -> list[Any]:
    return [fact.TAG, *(getattr(fact, name) for name in _FIELDS[type(fact)])]


def from_wire(wire: list[Any]) -> Fact:
    fact: Fact = _BY_TAG[wire[0]](*wire[1:])
    return fact


assert len(_BY_TAG) == len(_KINDS)
