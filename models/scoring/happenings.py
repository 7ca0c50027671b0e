"""What of a customer's facts a target is about: when it happened, how much it was, and on which channel."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field

from models.catalog.plan import Target
from models.profile.apply import SILENCE
from models.profile.extract import numeric
from models.profile.facts import Decided, EventApplied, Fact, OutcomeApplied, ResponseEnded


@dataclass(slots=True)
class Contacted:
    """A chosen item, and whether it had the target's outcome."""

    channel: str
    #: 0 until confirmed, until answered.
    confirmed_ms: int = 0
    answered_ms: int = 0


@dataclass(slots=True)
class Happenings:
    """Of one customer and one target. Fed with every fact in order."""

    target: Target
    #: (ms, amount), ascending; the amount is 1.0 unless a sum is predicted.
    times: list[tuple[int, float]] = field(default_factory=list)
    #: Where a channel is predicted: by decision and action.
    contacts: dict[tuple[str, str], Contacted] = field(default_factory=dict)

    def add(self, fact: Fact) -> None:
        target = self.target
        if isinstance(fact, EventApplied):
            if target.event and fact.type == target.event:
                self._event(fact)
        elif target.predict == "channel":
            self._contact(fact)
        elif isinstance(fact, OutcomeApplied):
            if fact.type == target.outcome:
                self._happened(fact.counted_ms, (fact.value or 0.0) if target.predict == "sum" else 1.0)
        elif isinstance(fact, ResponseEnded) and fact.silent and target.outcome == SILENCE:
            self._happened(fact.ended_ms, 1.0)

    def within(self, from_ms: int, until_ms: int) -> list[tuple[int, float]]:
        """What happened in [from, until)."""
        first = bisect_left(self.times, from_ms, key=lambda one: one[0])
        return self.times[first : bisect_left(self.times, until_ms, key=lambda one: one[0])]

    def answers(self, from_ms: int, until_ms: int) -> dict[str, bool]:
        """Of the channels on which contacts were confirmed in [from, until): whether one of these was answered within
        the target's time after it."""
        found: dict[str, bool] = {}
        for contact in self.contacts.values():
            if from_ms <= contact.confirmed_ms < until_ms:
                after_ms = contact.answered_ms - contact.confirmed_ms
                answered = contact.answered_ms > 0 and after_ms < self.target.within_ms
                found[contact.channel] = found.get(contact.channel, False) or answered
        return found

    def _event(self, fact: EventApplied) -> None:
        amount: float = 1.0
        if self.target.predict == "sum":
            found: object = fact.properties
            for part in self.target.field:
                found = found.get(part) if isinstance(found, dict) else None
            number = numeric(found)
            if number is None:
                return
            amount = float(number)
        self._happened(fact.time_ms, amount)

    def _happened(self, at_ms: int, amount: float) -> None:
        insort(self.times, (at_ms, amount))

    def _contact(self, fact: Fact) -> None:
        if isinstance(fact, Decided):
            for item in fact.items:
                if not item.fallback:
                    self.contacts[fact.decision_id, item.action] = Contacted(str(fact.request["channel"]))
        elif isinstance(fact, OutcomeApplied):
            contact = self.contacts.get((fact.decision_id, fact.action))
            if contact is not None:
                if fact.contact == "confirm" and not contact.confirmed_ms:
                    contact.confirmed_ms = fact.counted_ms
                if fact.type == self.target.outcome and not contact.answered_ms:
                    contact.answered_ms = fact.counted_ms
        elif isinstance(fact, ResponseEnded) and fact.silent and self.target.outcome == SILENCE:
            contact = self.contacts.get((fact.decision_id, fact.action))
            if contact is not None:
                contact.answered_ms = fact.ended_ms
