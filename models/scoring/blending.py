"""How far a scorer is believed: evidence and score as one propensity.

    g_issue = N_issue / (N_issue + k)
    g       = (N_group + k * g_issue) / (N_group + k)
    w       = (n + k * g * k / (k + c)) / (n + k)
    p       = w * score + (1 - w) * evidence

n, N_group, N_issue: rows of the action, of its group and of its issue among those that the scorer's trees were grown on
(``Manifest.actions``, ``groups``, ``issues``); c: contacts counted for the action in the evidence version in force
(accepted, or their response window ended); k: ``arbitration.evidence.blend`` of the catalog.

In words: of n + k rows the scorer has its own n; of the k others it has the share g that it learnt from the rest of
group and issue, as long as the action has few outcomes of its own (k / (k + c)). That is the weight of n observations
against a prior worth k of them (the credibility of Buehlmann 1967), with a prior that backs off from action to group to
issue, the shape that ``models.scoring.evidence`` has too. A scorer reads group, issue, tags and value of an action it
has never seen, so what it learnt from their other actions holds for a new one until that one's own outcomes say more.

Exact at both ends: an action of whose issue the scorer has no rows at all has its evidence to the bit (w = 0); k = 0,
or a manifest that does not say what it learnt from, the score (w = 1 everywhere). In between w rises with n, N_group
and N_issue, and falls with c.

**Cold start and what is learnt between trainings.** A new action of a known group begins with the scorer's word, one of
an unknown group and issue with the evidence; its own outcomes move the first towards the evidence, and the evidence
itself, with every version; training on it gives it back to the scorer. How old that evidence may be: a durable outcome
is in the shard's next report, in a version within ``limits.EVIDENCE_PUBLISH_MS``, and adopted by every shard with the
answer to its next report, between two turns: ``limits.EVIDENCE_STALE_MS`` in all, while shards reach the coordinator;
without it decisions go on with what they have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.catalog.plan import Plan
from models.scoring.evidence import Evidence

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """How many rows a scorer learnt from, per action of a plan: of the action, of its group and of its issue."""

    actions: Numbers
    groups: Numbers
    issues: Numbers

    @classmethod
    def of(cls, plan: Plan, manifest: Mapping[str, Any]) -> Self | None:
        """``manifest``: in its plain form. None when it does not say."""
        rows = manifest.get("actions")
        if not rows:
            return None
        groups, issues = manifest.get("groups", {}), manifest.get("issues", {})
        return cls(
            np.array([rows.get(action.id, 0) for action in plan.actions], np.float64),
            np.array([groups.get(action.group, 0) for action in plan.actions], np.float64),
            np.array([issues.get(action.issue, 0) for action in plan.actions], np.float64),
        )


def trust(learnt: Learnt | None, plan: Plan, evidence: Evidence, blend: float) -> Numbers | None:
    """float64[len(plan.actions)] in [0, 1]: the weight of the scorer per action; None: 1 everywhere. Read-only, and
    worked out once for each version of the evidence."""
    if learnt is None or blend == 0.0:
        return None
    return evidence.kept((learnt, blend), lambda: weights(learnt, evidence.counted(plan), blend))


def weights(learnt: Learnt, contacts: Numbers, blend: float) -> Numbers:
    """w of every action. ``contacts``: c of each. Above 1 it cannot come: no numerator is larger than its denominator,
    and rounding keeps that order."""
    issue = learnt.issues / (learnt.issues + blend)
    group = (learnt.groups + blend * issue) / (learnt.groups + blend)
    prior = blend * group * (blend / (blend + contacts))
    found: Numbers = (learnt.actions + prior) / (learnt.actions + blend)
    return found


def blended(scores: NDArray[Any], evidence: Numbers, weights: Numbers | None) -> Numbers:
    """float64 per candidate: scores as probabilities, each believed as far as its weight says; where a score is no
    number, the evidence. Each result depends on its own candidate alone, so waves and single decisions agree."""
    usable = np.isfinite(scores)
    clipped = np.clip(scores.astype(np.float64), 0.0, 1.0)
    if weights is not None:
        # Where a weight is 0 or 1 one product is exactly 0 and the other exactly its factor.
        clipped = weights * clipped + (1.0 - weights) * evidence
    return np.where(usable, clipped, evidence)
