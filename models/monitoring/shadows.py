"""A shadow beside who decides, on the same labels: what each of both predicted for the items that were shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from models.monitoring.calibration import WIDTH, Calibration, label_sums
from models.monitoring.rolling import Sums

#: The shadow's sums, then those of who decided.
PAIR_WIDTH: Final = 2 * WIDTH


def pair_sums(shadow: Sequence[float], decided: Sequence[float], accepted: Sequence[bool]) -> Sums:
    """int64[PAIR_WIDTH] of some labels."""
    return np.concatenate([label_sums(shadow, accepted), label_sums(decided, accepted)])


def compared(sums: Sums) -> dict[str, Any]:
    """As ``GET /v1/scorers`` shows it: the shadow's calibration, and of who decided on the same labels. Log loss and
    Brier score say who predicted better: lower is better."""
    shadow, decided = Calibration.of(sums[:WIDTH]), Calibration.of(sums[WIDTH:])
    return {
        **shadow.to_plain(),
        "decided": {
            "predicted": round(decided.predicted, 3), "log_loss": round(decided.log_loss, 6),
            "brier": round(decided.brier, 6),
            "ratio": None if decided.ratio is None else round(decided.ratio, 4),
        },
    }
