"""Do customers fall into the variants as the weights say? A sequential multinomial test.

Lindon and Malek, "Anytime-valid inference for multinomial count data" (2020, NeurIPS 2022): the Bayes factor of
"the shares are drawn from a Dirichlet distribution around the weights" over "the shares are the weights" is, under the
latter, a martingale that begins at 1. So by Ville's inequality it ever reaches 1 / alpha with probability alpha at
most, however often somebody looks. Counts alone decide it: in which order customers came does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

#: How closely the alternative's shares lie around the weights: as if so many customers had been seen. Deviations of
#: some percent, which are what broken assignments look like, are found soonest around here.
CONCENTRATION: Final = 200.0
#: Beyond this the e-value is told as this: no double holds it, and nothing depends on it.
LOG_E_CERTAIN: Final = 500.0


def log_e_value(counts: Sequence[int], weights: Sequence[int]) -> float:
    """Natural logarithm of the e-value of counts under weights (same order, weights not all 0)."""
    total = sum(weights)
    expected = [(count, weight / total) for count, weight in zip(counts, weights, strict=True)]
    if any(count and not share for count, share in expected):
        return LOG_E_CERTAIN
    n = sum(counts)
    log_e = math.lgamma(CONCENTRATION) - math.lgamma(CONCENTRATION + n)
    for count, share in expected:
        if share:
            prior = CONCENTRATION * share
            log_e += math.lgamma(prior + count) - math.lgamma(prior) - count * math.log(share)
    return min(log_e, LOG_E_CERTAIN)
