"""The public part of a segment: what a fact changes at shard level, derived from the fact and the contact before it.

    {"k": [fact tags], "b": [[budget, period, d_held, d_spent, d_unfunded], ...],
     "o": [[action, group, issue, d_accepts, d_contacts], ...], "i": [[key16, fingerprint, hint], ...], "e": receipt,
     "x": [[experiment, variant, *tally], ...]}

It stands unsealed, so that a shard can be rebuilt without any customer key. "e" is there only in an erasure, "x" only
where something of an experiment was counted (``models.experiments.counting``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from models.errors import InvariantBroken
from models.experiments.counting import EMPTY, EXPOSED, Tally, from_row, observation
from models.profile import exposures, ledger
from models.profile.facts import (
    Decided,
    Erased,
    ExperimentObserved,
    Fact,
    HoldExpired,
    OutcomeApplied,
    ResponseEnded,
)
from models.profile.state import BUDGET_HELD, Contact, Profile

BudgetKey = tuple[str, str]
EvidenceKey = tuple[str, str, str]
ExperimentKey = tuple[str, str]


@dataclass(slots=True)
class Deltas:
    """Sums over the facts of one segment (or of one turn)."""

    #: (budget, period) -> [held, spent, unfunded].
    budgets: dict[BudgetKey, list[int]] = field(default_factory=dict)
    #: (action, group, issue) -> [accepts, contacts].
    evidence: dict[EvidenceKey, list[int]] = field(default_factory=dict)
    #: (experiment, variant) -> what was counted.
    experiments: dict[ExperimentKey, Tally] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.budgets or self.evidence or self.experiments)

    def budget(self, budget: str, period: str, held: int, spent: int = 0, unfunded: int = 0) -> None:
        sums = self.budgets.get((budget, period))
        if sums is None:
            self.budgets[budget, period] = [held, spent, unfunded]
            return
        sums[0] += held
        sums[1] += spent
        sums[2] += unfunded

    def outcome(self, key: EvidenceKey, accepts: int, contacts: int) -> None:
        sums = self.evidence.setdefault(key, [0, 0])
        sums[0] += accepts
        sums[1] += contacts

    def experiment(self, key: ExperimentKey, tally: Tally) -> None:
        self.experiments[key] = self.experiments.get(key, EMPTY).plus(tally)

    def add_public(self, public: dict[str, Any]) -> None:
        """Add the sums of a segment's public part."""
        for budget, period, held, spent, unfunded in public["b"]:
            self.budget(budget, period, held, spent, unfunded)
        for action, group, issue, accepts, contacts in public["o"]:
            self.outcome((action, group, issue), accepts, contacts)
        for row in public.get("x", ()):
            self.experiment(*from_row(row))

    def merge(self, other: Deltas) -> None:
        for (budget, period), sums in other.budgets.items():
            self.budget(budget, period, *sums)
        for key, (accepts, contacts) in other.evidence.items():
            self.outcome(key, accepts, contacts)
        for experiment, tally in other.experiments.items():
            self.experiment(experiment, tally)


def add_fact(deltas: Deltas, before: Profile | None, fact: Fact) -> None:
    """Add what ``fact`` changes at shard level; ``before`` is the customer before the fact."""
    if isinstance(fact, Decided):
        for item in fact.items:
            for budget, units, period, _ in item.budgets:
                deltas.budget(budget, period, units)
        for exposure in fact.exposures:
            if before is None or exposure[0] not in before.experiments:
                deltas.experiment(exposure, EXPOSED)
    elif isinstance(fact, OutcomeApplied):
        contact = _contact(before, fact.decision_id, fact.action)
        _outcome(deltas, contact, fact)
        if before is not None and before.experiments:
            _under_experiments(deltas, before, contact, fact)
    elif isinstance(fact, HoldExpired):
        _release(deltas, _contact(before, fact.decision_id, fact.action))
    elif isinstance(fact, ResponseEnded):
        contact = _contact(before, fact.decision_id, fact.action)
        if fact.budget_released:
            _release(deltas, contact)
        if not contact.accepted:
            deltas.outcome(_evidence_key(contact), 0, 1)
    elif isinstance(fact, ExperimentObserved):
        deltas.experiment((fact.experiment, fact.variant), observation(fact.accepts, fact.value_micros))
    elif isinstance(fact, Erased) and before is not None:
        for contact in before.ledger:
            _release(deltas, contact)


def _contact(before: Profile | None, decision_id: str, action: str) -> Contact:
    contact = ledger.find(before, decision_id, action) if before is not None else None
    if contact is None:
        raise InvariantBroken(f"a fact names the item {action!r} of decision {decision_id}, which the ledger lacks")
    return contact


def _outcome(deltas: Deltas, contact: Contact, fact: OutcomeApplied) -> None:
    effects = dict(fact.budgets)
    for budget, units, period, _, state in contact.budgets:
        effect = effects.get(budget, "")
        held = -units if state == BUDGET_HELD else 0
        if effect == "spend":
            deltas.budget(budget, period, held, units)
        elif effect == "release":
            deltas.budget(budget, period, held)
        elif effect == "unfunded":
            deltas.budget(budget, period, 0, 0, units)
    if fact.accepted and not contact.ended:
        deltas.outcome(_evidence_key(contact), 1, 1)


def _under_experiments(deltas: Deltas, before: Profile, contact: Contact, fact: OutcomeApplied) -> None:
    """Running figures; what the customer is worth is counted when its observation ends."""
    tally = Tally(contacts=int(fact.contact == "confirm"), accepts=int(exposures.is_acceptance(contact, fact)))
    if any(tally):
        for id_, exposure in exposures.concerned(before, contact, fact.counted_ms):
            deltas.experiment((id_, exposure.variant), tally)


def _release(deltas: Deltas, contact: Contact) -> None:
    for budget, units, period, _, state in contact.budgets:
        if state == BUDGET_HELD:
            deltas.budget(budget, period, -units)


def _evidence_key(contact: Contact) -> EvidenceKey:
    return contact.action, contact.group, contact.issue
