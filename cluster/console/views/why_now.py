"""A decision beside the same question asked now: what would be different, and what has changed since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cluster.console.views.why import Candidate, Item

_VERSIONS: Final = (
    ("state", "The customer"), ("catalog", "The catalog"), ("scorer", "The scorer"), ("evidence", "The evidence"),
)


@dataclass(frozen=True, slots=True)
class Version:
    title: str
    then: str
    now: str

    @property
    def changed(self) -> bool:
        return self.then != self.now


@dataclass(frozen=True, slots=True)
class Place:
    """Who stood at a rank of a placement, then and now; None: nobody."""

    placement: str
    rank: int
    then: Item | None
    now: Item | None

    @property
    def changed(self) -> bool:
        return (self.then.action if self.then else None) != (self.now.action if self.now else None)


@dataclass(frozen=True, slots=True)
class Pair:
    """An action then and now; None: not in that catalog."""

    action: str
    then: Candidate | None
    now: Candidate | None

    @property
    def changed(self) -> bool:
        return (self.then.gate.id if self.then else None) != (self.now.gate.id if self.now else None)


def versions(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[Version]:
    return [Version(title, str(then.get(key) or "none"), str(now.get(key) or "none")) for key, title in _VERSIONS]


def places(then: Sequence[Item], now: Sequence[Item]) -> list[Place]:
    before = {(one.placement, one.rank): one for one in then}
    after = {(one.placement, one.rank): one for one in now}
    return [Place(*key, before.get(key), after.get(key)) for key in dict.fromkeys([*before, *after])]


def pairs(then: Sequence[Candidate], now: Sequence[Candidate]) -> list[Pair]:
    """Every action of either catalog; what changed first, else in their order."""
    before, after = {one.action: one for one in then}, {one.action: one for one in now}
    found = [Pair(action, before.get(action), after.get(action)) for action in dict.fromkeys([*before, *after])]
    return sorted(found, key=lambda pair: not pair.changed)


def question(request: Mapping[str, Any]) -> dict[str, Any]:
    """A logged request as one that can be asked now: its event happens now, under the new request's own id."""
    asked = {
        key: request[key] for key in ("customer_id", "channel", "placements", "context", "exclude")
        if request.get(key) is not None
    }
    event = request.get("event")
    if event:
        asked["event"] = {key: event[key] for key in ("type", "properties", "channel") if event.get(key) is not None}
    return asked
