"""How far a scorer is believed: evidence and score as one propensity.

    w = n / (n + k)        p = w * score + (1 - w) * evidence

n: rows of the action among those that the scorer's trees were grown on (``Manifest.actions``); k:
``arbitration.evidence.blend`` of the catalog, so that at n = k each counts half. That is the weight that the mean of n
observations has against a prior worth k of them (the credibility of Buehlmann 1967; the same shrinkage as
``models.scoring.evidence``). Exact at both ends: an action that the scorer has never seen (n = 0) has its evidence to
the bit, k = 0 the score. A manifest that does not say what it learnt from is believed everywhere.

**Cold start and what is learnt between trainings.** A new action begins at w = 0 with the evidence of its group and
issue, and its own outcomes move it from there with every evidence version, while an action that the scorer knows well
keeps the scorer's word. How old that evidence may be: a durable outcome is in the shard's next report, in a version
within ``limits.EVIDENCE_PUBLISH_MS``, and adopted by every shard with the answer to its next report, between two
turns: ``limits.EVIDENCE_STALE_MS`` in all, while shards reach the coordinator; without it decisions go on with what
they have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def trust(actions: Sequence[str], rows: Mapping[str, int], blend: float) -> Numbers | None:
    """float64[len(actions)] in [0, 1]: the weight of the scorer per action; None: 1 everywhere. Read-only.

    ``rows``: action id -> how many rows of it the scorer learnt from; empty: it does not say.
    """
    if blend == 0.0 or not rows:
        return None
    known = np.array([rows.get(action, 0) for action in actions], np.float64)
    weights: Numbers = known / (known + blend)
    weights.flags.writeable = False
    return weights


def blended(scores: NDArray[Any], evidence: Numbers, weights: Numbers | None) -> Numbers:
    """float64 per candidate: scores as probabilities, each believed as far as its weight says; where a score is no
    number, the evidence. Each result depends on its own candidate alone, so waves and single decisions agree."""
    usable = np.isfinite(scores)
    clipped = np.clip(scores.astype(np.float64), 0.0, 1.0)
    if weights is not None:
        # Where a weight is 0 or 1 one product is exactly 0 and the other exactly its factor.
        clipped = weights * clipped + (1.0 - weights) * evidence
    return np.where(usable, clipped, evidence)
