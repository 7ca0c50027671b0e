"""What the replay saw, as plain counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Mailing:
    """One historic assignment in the replay."""

    household: int
    campaign: int
    redeemed: bool
    #: The decision at its moment chose the campaign that history sent.
    matched: bool
    #: What the scorer said of that campaign; None when a gate had removed it.
    propensity: float | None


@dataclass(slots=True)
class Tally:
    decisions: int = 0
    degraded: int = 0
    control: int = 0
    items: int = 0
    fallbacks: int = 0
    #: Seconds, one per decision, repeats included.
    latencies_s: list[float] = field(default_factory=list)
    #: Seconds in which decisions were in flight, in which outcomes were, and in which the clock moved.
    deciding_s: float = 0.0
    reporting_s: float = 0.0
    clock_s: float = 0.0
    #: Ids of events whose decision was answered.
    acknowledged: set[str] = field(default_factory=set)
    explained: int = 0
    funnel: Counter[str] = field(default_factory=Counter)
    removed_by: Counter[str] = field(default_factory=Counter)
    mailings: list[Mailing] = field(default_factory=list)
    #: ``<type> <status>`` of each outcome.
    outcomes: Counter[str] = field(default_factory=Counter)
    unfunded: int = 0
    late: int = 0

    def note_decision(self, body: dict[str, Any], seconds: float) -> None:
        """A decision's answer and how long its caller waited."""
        self.decisions += 1
        self.degraded += body["degraded"]
        self.control += body["control_group"] is not None
        self.latencies_s.append(seconds)
        for placement in body["placements"]:
            for item in placement["items"]:
                self.items += not item["fallback"]
                self.fallbacks += item["fallback"]
        explanation = body.get("explanation")
        if explanation is not None:
            self.explained += 1
            self.funnel.update(explanation["funnel"])
            self.removed_by.update(c["removed_by"] for c in explanation["candidates"] if c.get("removed_by"))

    def note_outcome(self, kind: str, result: dict[str, Any]) -> None:
        self.outcomes[f"{kind} {result['status']}"] += 1
        self.unfunded += result.get("funded") is False
        self.late += bool(result.get("late"))


def chosen_actions(body: dict[str, Any]) -> list[str]:
    """What a decision chose, without fallbacks."""
    return [item["action"] for placement in body["placements"] for item in placement["items"] if not item["fallback"]]


def propensity_of(body: dict[str, Any], action: str) -> float | None:
    """What an explained decision says of one candidate; None when it was not scored."""
    for candidate in body["explanation"]["candidates"]:
        if candidate["action"] == action:
            found: float | None = candidate.get("propensity")
            return found
    return None
