"""Run logged decisions again: same inputs, same bytes. Used by audits and by explanations of past decisions.

A decision's inputs are the customer before it (facts folded in order), the plan, the evidence and the roles of scorers
that its shard had adopted, and what its fact holds: request, seed, scores, free budget units.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from models import canonical
from models.arbitration import deciding, fates
from models.arbitration.preparation import Misfit, Preparation
from models.catalog.plan import Plan
from models.errors import InvariantBroken
from models.profile.facts import Decided, Fact
from models.profile.state import Profile
from models.scoring.evidence import Evidence
from models.scoring.roles import Roles
from models.turn import answering
from models.turn.shard_facts import ShardFact
from models.turn.shard_state import ShardState
from models.turn.top_features import TopFeatures
from models.turn.work import fold


@dataclass(frozen=True, slots=True)
class Reexecution:
    #: The answer's body, msgpack: equal to ``Decided.reply`` unless something is broken, as is ``fates``.
    reply: bytes
    #: The contract's Explanation, with ``versions.state`` as it was before the decision.
    explanation: dict[str, Any]
    #: What became of every action of the plan (``models.arbitration.fates``).
    fates: bytes

    def equals(self, fact: Decided) -> bool:
        """Whether the decision came out as it was logged: the same answer, and the same said of every action."""
        return self.reply == fact.reply and self.fates == fact.fates

    def told(self, top_features: TopFeatures) -> dict[str, Any]:
        """The explanation with top features that were not logged, for the candidates that were ranked."""
        candidates = [
            {**one, "top_features": [list(pair) for pair in top_features.get(one["action"], ())]}
            if "top_features" in one else one for one in self.explanation["candidates"]
        ]
        return {**self.explanation, "candidates": candidates}


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decision met while folding, with all that it was decided on."""

    customer: bytes
    fact: Decided
    #: The customer before the decision, a private copy.
    before: Profile
    now_ms: int
    plan: Plan
    evidence: Evidence
    #: Of the scorers that fit the plan.
    roles: Roles

    def reexecute(self) -> Reexecution:
        """Decide again."""
        return reexecute(self.before, self.plan, self.evidence, self.roles, self.fact, self.now_ms)


def reexecute(
    before: Profile, plan: Plan, evidence: Evidence, roles: Roles, fact: Decided, now_ms: int
) -> Reexecution:
    """Decide again from the logged inputs. Raises ``InvariantBroken`` when these are not the logged versions."""
    if (plan.version, evidence.version) != (fact.catalog_version, fact.evidence_version):
        raise InvariantBroken(
            f"decision {fact.decision_id} was made under {fact.catalog_version} and evidence {fact.evidence_version}, "
            f"not {plan.version} and {evidence.version}; fold the journal from a checkpoint before it"
        )
    preparation = deciding.prepare(before, plan, fact.request, fact.seed, now_ms, evidence, roles)
    if isinstance(preparation, Misfit):
        return Reexecution(canonical.pack(preparation.problem), preparation.problem, b"")
    scores = _scores(preparation, fact)
    verdict = deciding.resolve(preparation, scores, fact.degraded, lambda budget, _: fact.free.get(budget, 0))
    top_features = dict(fact.top_features)
    body = answering.answer(
        preparation, verdict, fact.request, fact.decision_id, before.state_version + 1, top_features
    )
    explanation = answering.explanation(preparation, verdict, fact.decision_id, top_features)
    return Reexecution(canonical.pack(body), explanation, fates.made(preparation, verdict))


def _scores(preparation: Preparation, fact: Decided) -> Any:
    """float32 per candidate; None when evidence decided, or when other candidates remain than were scored."""
    if not fact.scores or preparation.scored.tobytes() != fact.candidates:
        return None
    return np.frombuffer(fact.scores, np.float32)


def fold_segment(
    profile: Profile | None, generation: int, facts: Iterable[Fact], plan: Plan, now_ms: int
) -> Profile | None:
    """Apply a segment's facts to a private copy of ``profile``: what a restarted shard does."""
    profile = profile.copy() if profile is not None else None
    for fact in facts:
        profile = fold(profile, generation, fact, plan, now_ms)
    return profile


class Fold:
    """Folds decoded rows in order, keeping plan, evidence and profiles; hands out every decision it meets."""

    def __init__(self, state: ShardState, profiles: dict[bytes, Profile | None]) -> None:
        #: Plan, evidence and roles as of the newest row.
        self.state = state
        self.profiles = profiles

    def row(
        self, now_ms: int, shard_facts: Iterable[ShardFact], customers: Iterable[tuple[bytes, int, list[Fact] | None]]
    ) -> Iterator[Replayed]:
        """(customer, generation, facts) per segment; facts None: the key was destroyed. Use the iterator up."""
        for shard_fact in shard_facts:
            self.state.apply_shard_fact(shard_fact)
        for customer, generation, facts in customers:
            if facts is None:
                self.profiles[customer] = None
            else:
                yield from self._segment(customer, generation, facts, now_ms)

    def _segment(self, customer: bytes, generation: int, facts: list[Fact], now_ms: int) -> Iterator[Replayed]:
        plan = self.state.plan
        if plan is None:
            raise InvariantBroken("a customer's facts stand before the first catalog; fold from an earlier row")
        held = self.profiles.get(customer)
        profile = held.copy() if held is not None else None
        for fact in facts:
            if isinstance(fact, Decided) and profile is not None:
                state = self.state
                yield Replayed(customer, fact, profile.copy(), now_ms, plan, state.evidence, state.active_roles)
            profile = fold(profile, generation, fact, plan, now_ms)
        self.profiles[customer] = profile
