"""From contributions of features to the few that are told: the contract's ``top_features``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.canonical import significant

#: (feature, contribution in log-odds), strongest first.
Strongest = tuple[tuple[str, float], ...]

_PROFILE = "profile."


def strongest(features: Sequence[str], contributions: NDArray[np.float32]) -> Strongest:
    """The features with the largest contributions, either way; those that contribute nothing are left out.

    ``contributions``: float32[features + 1] in log-odds, the bias last (``Booster.contributions``). Equal ones stand
    in the order of the manifest. Names are the manifest's, without the prefix of profile features.
    """
    own = contributions[: len(features)]
    order = np.argsort(-np.abs(own), kind="stable")[: limits.TOP_FEATURES_MAX].tolist()
    return tuple(
        (features[column].removeprefix(_PROFILE), significant(float(own[column]))) for column in order if own[column]
    )
