"""What the replay saw, as plain counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from cluster.client import Decision, OutcomeResult


@dataclass(slots=True)
class Mailing:
    """One historic assignment in the replay."""

    household: int
    campaign: int
    redeemed: bool
    #: The decision at its moment chose the campaign that history sent.
    matched: bool
    #: What the decision went by for that campaign; None when a gate had removed it.
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

    def note_decision(self, decision: Decision, seconds: float) -> None:
        """A decision and how long its caller waited."""
        self.decisions += 1
        self.degraded += decision.degraded
        self.control += decision.control_group is not None
        self.latencies_s.append(seconds)
        for item in decision.items:
            self.items += not item.fallback
            self.fallbacks += item.fallback
        explanation = decision.explanation
        if explanation is not None:
            self.explained += 1
            self.funnel.update(explanation.funnel)
            self.removed_by.update(c["removed_by"] for c in explanation.candidates if c.get("removed_by"))

    def note_outcome(self, kind: str, result: OutcomeResult) -> None:
        self.outcomes[f"{kind} {result.status}"] += 1
        self.unfunded += not result.funded
        self.late += result.late


def chosen_actions(decision: Decision) -> list[str]:
    """What a decision chose, without fallbacks."""
    return [item.action for item in decision.items if not item.fallback]


def propensity_of(decision: Decision, action: str) -> float | None:
    """What a decision says of one candidate; None when it was not scored or not explained."""
    for candidate in decision.explanation.candidates if decision.explanation else ():
        if candidate["action"] == action:
            found: float | None = candidate.get("propensity")
            return found
    return None
