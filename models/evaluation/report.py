"""All estimators over one log and one policy, and what is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.evaluation import direct as direct_method
from models.evaluation.doubly_robust import doubly_robust, scores
from models.evaluation.estimate import Estimate, mean
from models.evaluation.ips import ips, snips
from models.evaluation.log import Log, Policy
from models.evaluation.overlap import Overlap, overlap
from models.evaluation.switch import best_threshold, switch_dr
from models.evaluation.verdict import Verdict, judge
from models.evaluation.weights import effective, effective_rounds, weigh


@dataclass(frozen=True, slots=True)
class Report:
    """Values are mean rewards per position."""

    #: ips, snips, dm, dr, switch_dr.
    estimates: Mapping[str, Estimate]
    #: In positions, and with the positions of a round as one; the verdict looks at the smaller.
    ess: float
    ess_rounds: float
    max_weight: float
    rounds: int
    positions: int
    verdict: Verdict
    overlap: Overlap
    #: What the log earned; the doubly robust value above it.
    logged: Estimate
    lift: Estimate
    switch_threshold: float
    trees: int
    #: What was left out or read in a certain way: sentences.
    notes: tuple[str, ...] = field(default=())

    def to_wire(self) -> dict[str, Any]:
        """Plain data without NaN: what cannot be said is None."""
        return {
            **{name: estimate.to_wire() for name, estimate in self.estimates.items()},
            "ess": self.ess, "max_weight": self.max_weight, "rounds": self.rounds, "verdict": self.verdict.word,
            "why": self.verdict.why, "ess_rounds": self.ess_rounds, "positions": self.positions,
            "positions_per_round": self.positions / self.rounds, "logged": self.logged.to_wire(),
            "lift": self.lift.to_wire(), "switch_threshold": self.switch_threshold, "trees": self.trees,
            "overlap": self.overlap.to_wire(), "notes": list(self.notes),
        }


def evaluate(
    log: Log, policy: Policy, threads: int = 1, notes: tuple[str, ...] = (), doubts: tuple[str, ...] = ()
) -> Report:
    """Estimate, and judge what the estimates stand on. ``log`` holds at least one position, and both were checked."""
    weights = weigh(log, policy)
    predicted = direct_method.cross_fit(log, policy, threads)
    threshold = best_threshold(log, weights, predicted)
    found = overlap(log, policy, weights)
    ess, ess_rounds = effective(weights.whole), effective_rounds(weights.whole, log.round, log.rounds)
    return Report(
        estimates={
            "ips": ips(log, weights), "snips": snips(log, weights), "dm": direct_method.direct(log, predicted),
            "dr": doubly_robust(log, weights, predicted), "switch_dr": switch_dr(log, weights, predicted, threshold),
        },
        ess=ess, ess_rounds=ess_rounds, max_weight=weights.largest, rounds=log.rounds, positions=len(log),
        verdict=judge(log, weights, min(ess, ess_rounds), found, doubts), overlap=found,
        logged=mean(log, log.reward), lift=mean(log, scores(log, weights, predicted) - log.reward),
        switch_threshold=threshold, trees=predicted.trees, notes=notes,
    )
