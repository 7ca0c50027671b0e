"""What consoles tell of themselves, kept for who asks for metrics: nothing of a console can be asked from elsewhere."""

from __future__ import annotations

from actors.metrics.told import Told
from models import limits


class Consoles:
    """``now_ms``: any clock that never jumps."""

    def __init__(self) -> None:
        #: Replica -> (when, figures), the one that told last at the end.
        self._told: dict[str, tuple[int, Told]] = {}

    def tell(self, replica: str, figures: Told, now_ms: int) -> None:
        """What was told before of this replica is replaced."""
        self._told.pop(replica, None)
        self._told[replica] = (now_ms, figures)
        while len(self._told) > limits.CONSOLE_REPLICAS_MAX:
            del self._told[next(iter(self._told))]

    def told(self, now_ms: int) -> dict[str, Told]:
        """Of those that told something lately, by replica."""
        oldest_ms = now_ms - limits.CONSOLE_FIGURES_KEPT_MS
        self._told = {replica: one for replica, one in self._told.items() if one[0] > oldest_ms}
        return {replica: figures for replica, (_, figures) in self._told.items()}
