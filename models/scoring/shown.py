"""One item that a decision chose, and what became of it until its label is final.

The label of a shown (confirmed) item is whether it was accepted before its response window ended, and is known then,
also of one that was accepted at once: otherwise the newest rows would be the accepted ones. A report may come late and
still count (it says when it happened), so an item is kept open for ``limits.LABEL_LATE_MS`` more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.profile.facts import Decided, ItemChosen
from models.scoring.matrix import Layout


@dataclass(frozen=True, slots=True)
class Deciding:
    """What the items of one decision share."""

    #: The customer's key.
    customer: bytes
    decision_id: str
    time_ms: int
    channel: str
    catalog_version: str
    scorer_version: str | None
    evidence_version: int
    degraded: bool
    #: (experiment, variant) in force.
    exposures: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, customer: bytes, fact: Decided, now_ms: int) -> Deciding:
        return cls(
            customer, fact.decision_id, now_ms, fact.request["channel"], fact.catalog_version, fact.scorer_version,
            fact.evidence_version, fact.degraded, fact.exposures,
        )


@dataclass(slots=True)
class Shown:
    """An item, with the columns of ``layout`` as they were before its decision."""

    decision: Deciding
    item: ItemChosen
    layout: Layout
    #: float32[layout.width]
    row: NDArray[np.float32]
    #: 0 until confirmed, until accepted.
    confirmed_ms: int = 0
    accepted_ms: int = 0

    @property
    def time_ms(self) -> int:
        return self.decision.time_ms

    @property
    def ends_ms(self) -> int:
        """When its label is final: the end of the response window; while nobody confirmed it, that of its hold."""
        if self.confirmed_ms:
            return self.confirmed_ms + self.item.accept_within_ms
        return self.item.hold_expires_ms + limits.HOLD_GRACE_MS

    @property
    def forgotten_ms(self) -> int:
        """From when on no report changes it any more."""
        return self.ends_ms + limits.LABEL_LATE_MS

    def label(self, now_ms: int) -> bool | None:
        """Accepted? None while the window is open, and of what was not shown."""
        if not self.confirmed_ms or now_ms < self.ends_ms:
            return None
        return 0 < self.accepted_ms <= self.ends_ms

    def reward(self, now_ms: int) -> float | None:
        """1 accepted, 0 not accepted or never shown, None while that is open."""
        if now_ms < self.ends_ms:
            return None
        return float(bool(self.label(now_ms)))
