"""The reference of the engine: xgboost's own ``inplace_predict`` in one thread, without a word of Kairos around it."""

from __future__ import annotations

import numpy as np
import xgboost
from numpy.typing import NDArray

from loadtests.trees import scorer


class BareXgboost:
    """The benchmark's trees through the library's public call."""

    def __init__(self) -> None:
        self._trees = xgboost.Booster({"nthread": 1}, model_file=bytearray(scorer()[0]))

    def predict(self, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32[rows, features] -> float32[rows]."""
        scores: NDArray[np.float32] = self._trees.inplace_predict(matrix, validate_features=False)
        return scores
