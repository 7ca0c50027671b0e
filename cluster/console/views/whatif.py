"""What another catalog would change: who to ask for, and what came of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from models import limits
from models.errors import BadInput

_BETWEEN_IDS: Final = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class CatalogError:
    """``place``: ``actions.2.eligibility``; ``line``: in the text that was sent, None if unknown."""

    line: int | None
    place: str
    message: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What becomes of one action at the customers who were asked about."""

    action: str
    live: int
    candidate: int

    @property
    def change(self) -> int:
        return self.candidate - self.live


@dataclass(frozen=True, slots=True)
class Instead:
    """One thing in place of another; None: nothing."""

    live: str | None
    candidate: str | None
    customers: int


@dataclass(frozen=True, slots=True)
class Change:
    """One place of one customer that would be filled otherwise."""

    customer_id: str
    channel: str
    placement: str
    rank: int
    live: str | None
    candidate: str | None
    why: str


def errors_of(given: Sequence[Mapping[str, Any]]) -> list[CatalogError]:
    return [
        CatalogError(each.get("line"), ".".join(map(str, each.get("loc") or ())), str(each.get("msg", "")))
        for each in given
    ]


def ids_of(text: str) -> list[str]:
    """Ids apart by spaces, commas or lines, each once. Raises ``BadInput``: none, or too many."""
    found = list(dict.fromkeys(part for part in _BETWEEN_IDS.split(text) if part))
    if not found:
        raise BadInput("no customer is named; write their ids, one a line, or take a sample")
    if len(found) > limits.WHAT_IF_REQUESTS_MAX:
        raise BadInput(f"{len(found)} customers are named; {limits.WHAT_IF_REQUESTS_MAX} can be tried at once")
    return found


def requests_for(ids: Sequence[str], channel: str, catalog: Mapping[str, Any], context: Any) -> list[dict[str, Any]]:
    """One request per customer for every placement of the channel. Raises ``BadInput``: a channel without any."""
    placements = [
        {"id": each["id"], "count": each.get("count_max", 1)} for each in catalog.get("placements", ())
        if each["channel"] == channel
    ][: limits.PLACEMENTS_PER_DECISION_MAX]
    if not placements:
        known = ", ".join(str(each["id"]) for each in catalog.get("channels", ()))
        raise BadInput(f"the live catalog has no placement in channel {channel!r}; channels: {known}")
    return [{"customer_id": id_, "channel": channel, "placements": placements, "context": context} for id_ in ids]


def changes(answer: Mapping[str, Any]) -> list[Change]:
    return [
        Change(
            result["customer_id"], result["channel"], each["placement"], each["rank"], each.get("live"),
            each.get("candidate"), each.get("why") or "",
        )
        for result in answer.get("results", ()) for each in result.get("differences", ())
    ]


def instead(found: Sequence[Change]) -> list[Instead]:
    """The commonest first."""
    counts = Counter((change.live, change.candidate, change.customer_id) for change in found)
    customers = Counter((live, candidate) for live, candidate, _ in counts)
    return [Instead(live, candidate, count) for (live, candidate), count in customers.most_common()]


def effects(answer: Mapping[str, Any]) -> list[Effect]:
    """Per action, how many customers get it under either catalog; what changes most first."""
    live, candidate = Counter[str](), Counter[str]()
    for result in answer.get("results", ()):
        live.update(_actions(result["live"]))
        candidate.update(_actions(result["candidate"]))
    found = [Effect(action, live[action], candidate[action]) for action in sorted({*live, *candidate})]
    return sorted(found, key=lambda effect: -abs(effect.change))


def _actions(decided: Mapping[str, Any]) -> set[str]:
    return {item["action"] for filled in decided.get("placements", ()) for item in filled["items"]}
