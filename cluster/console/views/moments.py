"""A customer's timeline as lines to read and to step through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cluster.console.views.values import pairs_of, pretty

_SUMMARY_CHARS: Final = 160


@dataclass(frozen=True, slots=True)
class Moment:
    kind: str
    time: str
    title: str
    summary: str
    #: The whole item, indented.
    whole: str
    #: Of the customer, after it; None: the server did not say.
    state_version: int | None
    #: Whose reasons there are; None for an event.
    decision_id: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """Where one step back and one on lead; None: nowhere."""

    previous: int | None
    following: int | None


def moments(items: Sequence[Mapping[str, Any]]) -> list[Moment]:
    return [_moment(item) for item in items]


def _moment(item: Mapping[str, Any]) -> Moment:
    kind, body = str(item["kind"]), item["body"]
    title, summary, decision_id = _READ.get(kind, _other)(body)
    version = item.get("state_version")
    return Moment(kind, item["time"], title, summary, pretty(body), version, decision_id)


_Read = tuple[str, str, str | None]


def _event(body: Mapping[str, Any]) -> _Read:
    channel = {"on": body["channel"]} if body.get("channel") else {}
    return str(body["type"]), pairs_of({**channel, **(body.get("properties") or {})}, _SUMMARY_CHARS), None


def _decision(body: Mapping[str, Any]) -> _Read:
    filled = body.get("placements") or ()
    shown = [
        f"{item['action']} in {place['placement']}" + (" (fallback)" if item.get("fallback") else "")
        for place in filled for item in place["items"]
    ]
    empty = [f"nothing in {place['placement']}" for place in filled if not place["items"]]
    title = f"{len(shown)} to show" if shown else "nothing to show"
    return title, ", ".join([*shown, *empty]), body.get("decision_id")


def _outcome(body: Mapping[str, Any]) -> _Read:
    value = {"worth": body["value"]} if body.get("value") is not None else {}
    late = {"came": "late"} if body.get("late") else {}
    return str(body["type"]), pairs_of({"of": body["action"], **value, **late}, _SUMMARY_CHARS), body.get("decision_id")


def _other(body: Mapping[str, Any]) -> _Read:
    return "Intent", pairs_of(body, _SUMMARY_CHARS), body.get("decision_id")


_READ: Final = {"event": _event, "decision": _decision, "outcome": _outcome}


def step(items: Sequence[Moment], at: int, newest: int) -> Step:
    """From version ``at`` to the neighbouring versions: of this page of the timeline where it has them, else the next
    number, since a version may rise without an entry (timers)."""
    versions = [moment.state_version for moment in items if moment.state_version is not None]
    previous = max((version for version in versions if version < at), default=at - 1)
    following = min((version for version in versions if version > at), default=at + 1)
    return Step(previous if previous >= 1 else None, following if following <= newest else None)


def counted(items: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many of each kind."""
    found: dict[str, int] = {}
    for item in items:
        found[item["kind"]] = found.get(item["kind"], 0) + 1
    return found
