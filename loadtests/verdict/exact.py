"""Was every promise kept? Counted again from timelines, after the run, by the demo's independent recount.

Every acknowledged event, decision and outcome of a checked customer must stand in its timeline exactly once, nothing
may stand there twice, and no contact policy may have been exceeded at any instant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from cluster.demo.recount import Recounter

KINDS: Final = ("event", "decision", "outcome")
#: Broken promises that are shown as examples.
_SHOWN: Final = 10


class Acknowledged:
    """Ids that the server acknowledged, of the customers that will be checked (the others' are not kept)."""

    def __init__(self, customers: Sequence[str]) -> None:
        self.ids: Final[dict[str, dict[str, set[str]]]] = {one: {kind: set() for kind in KINDS} for one in customers}

    def note(self, customer: str, kind: str, id_: str) -> None:
        known = self.ids.get(customer)
        if known is not None:
            known[kind].add(id_)


@dataclass(slots=True)
class Exactness:
    #: Customers whose timelines were read, and what was found in them.
    customers: int = 0
    items: int = 0
    contacts: int = 0
    #: Kind -> ids.
    acknowledged: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    doubled: Counter[str] = field(default_factory=Counter)
    #: Contact policy -> how often it was exceeded.
    exceeded: Counter[str] = field(default_factory=Counter)
    #: Customers whose timeline could not be read.
    unread: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.missing or self.doubled or self.exceeded or self.unread)

    def merge(self, other: Exactness) -> None:
        for name in ("customers", "items", "contacts", "unread"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))
        self.examples = [*self.examples, *other.examples][:_SHOWN]

    def broken(self, example: str) -> None:
        if len(self.examples) < _SHOWN:
            self.examples.append(example)

    def to_wire(self) -> dict[str, Any]:
        return {
            **{name: getattr(self, name) for name in ("customers", "items", "contacts", "unread", "examples")},
            **{name: dict(getattr(self, name)) for name in _COUNTERS},
        }

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        found = cls()
        for name, value in wire.items():
            setattr(found, name, Counter(value) if name in _COUNTERS else value)
        return found


_COUNTERS: Final = ("acknowledged", "missing", "doubled", "exceeded")


def check_customer(
    into: Exactness, catalog: Mapping[str, Any], customer: str, acknowledged: Mapping[str, set[str]],
    newest_first: Sequence[Mapping[str, Any]],
) -> None:
    """Add what one customer's whole timeline says. What was never acknowledged may stand there too, but once."""
    into.customers += 1
    into.items += len(newest_first)
    for kind, ids in acknowledged.items():
        found = Counter(item["id"] for item in newest_first if item["kind"] == kind)
        into.acknowledged[kind] += len(ids)
        for id_ in sorted(ids - found.keys()):
            into.missing[kind] += 1
            into.broken(f"{kind} {id_} of {customer} was acknowledged and is not in its timeline")
        for id_ in sorted(id_ for id_, count in found.items() if count > 1):
            into.doubled[kind] += 1
            into.broken(f"{kind} {id_} of {customer} stands {found[id_]} times in its timeline")
    recounter = Recounter(catalog)
    recounter.add(newest_first)
    into.contacts += recounter.result.contacts
    for policy, count in recounter.result.exceeded.items():
        if count:
            into.exceeded[policy] += count
            into.broken(f"contact policy {policy} was exceeded {count} times for {customer}")
