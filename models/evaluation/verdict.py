"""Whether a log can carry the answer at all, and on how much it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from models import limits
from models.evaluation.estimate import Estimate, mean
from models.evaluation.log import Log
from models.evaluation.overlap import Overlap
from models.evaluation.weights import Weights

Word = Literal["ok", "weak", "refused"]


@dataclass(frozen=True, slots=True)
class Verdict:
    word: Word
    why: str


def judge(log: Log, weights: Weights, ess: float, found: Overlap, further: Sequence[str] = ()) -> Verdict:
    """``ess``: the smaller of the effective sample sizes in positions and in rounds; ``further``: more doubts.

    Refused below 50 or 1 % of the rounds, or when more than 1 % of the policy's choices were never logged; weak for
    other reasons to doubt, each of which is said.
    """
    against = _refusals(log, weights, ess, found)
    if against:
        return Verdict("refused", "; ".join(against))
    doubts = [*_doubts(log, weights, ess, found), *further]
    if doubts:
        return Verdict("weak", "; ".join(doubts))
    return Verdict(
        "ok", f"the effective sample size is {ess:,.0f} of {log.rounds:,} rounds, the largest weight "
        f"{weights.largest:,.4g}, and every action that the policy may choose was logged",
    )


def _refusals(log: Log, weights: Weights, ess: float, found: Overlap) -> list[str]:
    against = []
    if ess < limits.EVALUATION_ESS_MIN or ess < limits.EVALUATION_ESS_SHARE_MIN * log.rounds:
        against.append(
            f"the effective sample size is {ess:,.1f} of {log.rounds:,} rounds (at least {limits.EVALUATION_ESS_MIN} "
            f"and {limits.EVALUATION_ESS_SHARE_MIN:.0%} of the rounds are needed; the largest weight is "
            f"{weights.largest:,.6g}): the log hardly shows what this policy does; collect a log that explores more, "
            "or evaluate a policy nearer to the one that logged"
        )
    if found.never > limits.EVALUATION_NEVER_LOGGED_MAX:
        against.append(
            f"{found.never:.1%} of the policy's choices are actions that were never logged: {found.named()}; no log "
            "tells what they earn: let exploration show them first"
        )
    return against


def _doubts(log: Log, weights: Weights, ess: float, found: Overlap) -> list[str]:
    doubts = []
    if ess < limits.EVALUATION_ESS_WEAK or ess < limits.EVALUATION_ESS_SHARE_WEAK * log.rounds:
        doubts.append(f"the effective sample size is only {ess:,.0f} of {log.rounds:,} rounds")
    if found.largest_share > limits.EVALUATION_WEIGHT_SHARE_WEAK:
        doubts.append(f"one position has {found.largest_share:.0%} of all weight")
    if found.never_logged:
        doubts.append(f"actions that were never logged have {found.never:.2%} of the choices: {found.named()}")
    if found.never_at_rank > limits.EVALUATION_NEVER_AT_RANK_WEAK:
        doubts.append(f"{found.never_at_rank:.1%} of the choices were never logged at their rank")
    off = _off(mean(log, weights.whole + weights.nothing), 1.0 - found.never)
    if off > limits.EVALUATION_MEAN_WEIGHT_SE_MAX:
        doubts.append(
            f"the mean weight is {found.mean_weight:.4g}, {off:.0f} standard errors from what right probabilities "
            "give: the logged ones may not be those that were drawn with, or the policy may choose what the log could "
            "not"
        )
    return doubts


def _off(weight: Estimate, expected: float) -> float:
    """Standard errors between the mean weight and what it must be."""
    if weight.value is None or not weight.se:
        return 0.0
    return abs(weight.value - expected) / weight.se
