"""A shadow beside who decides, on the same labels: what each of both predicted for the items that were shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from zlib import crc32

import numpy as np

from models import limits
from models.monitoring.calibration import WIDTH, Calibration, label_sums
from models.monitoring.rolling import Sums

#: The shadow's sums, then those of who decided.
PAIR_WIDTH: Final = 2 * WIDTH
#: Above every hash.
_EVERY: Final = 1 << 32
_NO_SCORES: Final[tuple[int, dict[str, float]]] = (0, {})


class WaitingShadows:
    """What shadows gave to items that were shown, until their labels are settled.

    Labels take days, and memory is bounded: of more items those with the smallest hashes are kept (a sample by
    bottom-k, Cohen and Kaplan 2007), so that whatever waits is as good as drawn from all that were shown, old and new
    alike, and what is kept stays until its label comes.
    """

    def __init__(self, most: int = limits.MONITOR_SHADOWED_MAX) -> None:
        self._most = most
        #: (decision id, action) -> (when shown, shadow's version -> its score).
        self._scores: dict[tuple[str, str], tuple[int, dict[str, float]]] = {}
        #: Items with a hash from here on are not kept.
        self._bound = _EVERY

    def put(self, decision_id: str, version: str, scores: Mapping[str, float], now_ms: int) -> None:
        if len(self._scores) < self._most // 2:
            self._bound = min(_EVERY, 2 * self._bound)
        if _hash(decision_id) >= self._bound:
            return
        for action, score in scores.items():
            known = self._scores.setdefault((decision_id, action), (now_ms, {}))
            known[1][version] = float(score)
        if len(self._scores) > self._most:
            self._make_room(now_ms)

    def take(self, decision_id: str, action: str) -> dict[str, float]:
        """By version; empty when nothing was kept."""
        return self._scores.pop((decision_id, action), _NO_SCORES)[1]

    def __len__(self) -> int:
        return len(self._scores)

    def _make_room(self, now_ms: int) -> None:
        """A tenth is freed at once, by age and then by hash."""
        young = {
            item: held for item, held in self._scores.items() if now_ms - held[0] <= limits.MONITOR_SHADOWED_MS
        }
        self._bound = _EVERY
        if len(young) > self._most * 9 // 10:
            self._bound = sorted(_hash(decision_id) for decision_id, _ in young)[self._most * 9 // 10]
        self._scores = {item: held for item, held in young.items() if _hash(item[0]) < self._bound}


def _hash(decision_id: str) -> int:
    return crc32(decision_id.encode())


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
