"""Facts that concern a shard as a whole. They stand unsealed in a turn row and are applied at turn boundaries.

On the wire: ``[tag, *fields]``, as customer facts are. Totals are cumulative, so a repeat is harmless.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class CatalogAdopted:
    TAG: ClassVar[int] = 101
    version: str
    #: The validated catalog as plain data; recompiled in replay.
    catalog: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EvidenceAdopted:
    TAG: ClassVar[int] = 102
    version: int
    #: As ``models.scoring.evidence`` publishes them: what changed since the version before.
    changes: list[Any]


@dataclass(frozen=True, slots=True)
class Granted:
    """Units that the coordinator ever granted to this shard for a budget and period."""

    TAG: ClassVar[int] = 104
    budget: str
    period: str
    total: int


@dataclass(frozen=True, slots=True)
class Returned:
    """Units that this shard ever gave back; debited here before the coordinator credits them."""

    TAG: ClassVar[int] = 105
    budget: str
    period: str
    total: int


@dataclass(frozen=True, slots=True)
class RolesAdopted:
    """From here on these scorers decide, shadow and predict."""

    TAG: ClassVar[int] = 108
    #: ``models.scoring.roles.Roles.to_wire``.
    roles: list[Any]


@dataclass(frozen=True, slots=True)
class ClockSet:
    """Under a manual clock: the time from which the next turn counts."""

    TAG: ClassVar[int] = 107
    now_ms: int


ShardFact = CatalogAdopted | EvidenceAdopted | RolesAdopted | Granted | Returned | ClockSet
_BY_TAG: dict[int, type[Any]] = {
    kind.TAG: kind for kind in (CatalogAdopted, EvidenceAdopted, RolesAdopted, Granted, Returned, ClockSet)
}
_FIELDS = {kind: tuple(f.name for f in fields(kind)) for kind in _BY_TAG.values()}


def to_wire(fact: ShardFact) -> list[Any]:
    return [fact.TAG, *(getattr(fact, name) for name in _FIELDS[type(fact)])]


def from_wire(wire: list[Any]) -> ShardFact:
    fact: ShardFact = _BY_TAG[wire[0]](*wire[1:])
    return fact
