"""What of a policy's choices the log has ever shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from models import limits
from models.evaluation.log import Log, Policy
from models.evaluation.weights import Weights


@dataclass(frozen=True, slots=True)
class Overlap:
    #: Share of the logged positions whose action the policy may choose there.
    covered: float
    #: Share of the policy's choices that the log never shows, and never at that rank. The second contains the first.
    never: float
    never_at_rank: float
    #: (action, positions at which the policy may choose it, mean probability over all positions), most probable first.
    never_logged: tuple[tuple[object, int, float], ...]
    #: Mean weight (1 when probabilities are right and nothing lacks) and its largest share in one position.
    mean_weight: float
    largest_share: float
    quantiles: tuple[float, float, float]

    def to_wire(self) -> dict[str, Any]:
        return {
            "logged_actions_covered": self.covered, "never_logged_share": self.never,
            "never_logged_at_rank_share": self.never_at_rank,
            "never_logged": [
                {"action": str(action), "positions": positions, "mean_probability": probability}
                for action, positions, probability in self.never_logged
            ],
            "mean_weight": self.mean_weight, "largest_weight_share": self.largest_share,
            "weight_quantiles": dict(zip(("p50", "p90", "p99"), self.quantiles, strict=True)),
        }

    def named(self) -> str:
        """The actions that the log never shows, for a sentence."""
        told = self.never_logged[: limits.EVALUATION_EXAMPLES_MAX]
        names = ", ".join(f"{action!r} (at {positions} positions)" for action, positions, _ in told)
        more = len(self.never_logged) - len(told)
        return names + (f" and {more} more" if more else "")


def overlap(log: Log, policy: Policy, weights: Weights) -> Overlap:
    count, actions = len(log), len(log.action_ids)
    logged = np.bincount(log.action, minlength=actions) > 0
    ranks, rank = np.unique(log.rank, return_inverse=True)
    at_rank = np.zeros((len(ranks), actions), np.bool_)
    at_rank[rank.reshape(-1), log.action] = True
    never = ~logged[policy.action]
    never_at_rank = ~at_rank[rank.reshape(-1)[policy.position], policy.action]
    mass = np.bincount(policy.action[never], policy.probability[never], minlength=actions) / count
    entries = np.bincount(policy.action[never], minlength=actions)
    total = float(weights.whole.sum())
    p50, p90, p99 = (float(found) for found in np.quantile(weights.whole, [0.5, 0.9, 0.99]))
    return Overlap(
        covered=float((weights.own > 0.0).mean()), never=float(mass.sum()),
        never_at_rank=float(policy.probability[never_at_rank].sum()) / count,
        never_logged=tuple(
            (log.action_ids[at], int(entries[at]), float(mass[at])) for at in np.argsort(-mass) if entries[at]
        ),
        mean_weight=float((weights.whole + weights.nothing).mean()),
        largest_share=weights.largest / total if total else 0.0, quantiles=(p50, p90, p99),
    )
