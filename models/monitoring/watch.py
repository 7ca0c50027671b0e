"""What one shard sees as it happens: labels, shown rows, shadow scores. Fed off the decisions' path, in batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.monitoring.calibration import label_sums
from models.monitoring.features import FeatureWindow, Reference
from models.monitoring.rolling import EVIDENCE, Key, RollingSums
from models.monitoring.seen import Seen
from models.monitoring.shadows import WaitingShadows, pair_sums
from models.turn.labels import Label

#: Of ``to_wire``; another one is not read.
LAYOUT: Final = 1


class Watch:
    def __init__(self, now_ms: int) -> None:
        """Times are of the decision clock."""
        self._since_ms = now_ms
        self._newest_ms: int | None = None
        self._labels = RollingSums(limits.MONITOR_KEYS_MAX)
        self._shadows = RollingSums(limits.MONITOR_KEYS_MAX)
        self._spread = FeatureWindow()
        self._references: dict[str, Reference] = {}
        self._waiting = WaitingShadows()
        #: Labels and rows that were not counted.
        self.dropped = 0

    def shadowed(self, decision_id: str, version: str, scores: Mapping[str, float], now_ms: int) -> None:
        """What a shadow gave to the items (by action) that a decision showed: kept until their labels are settled."""
        self._waiting.put(decision_id, version, scores, now_ms)

    def labelled(self, labels: Iterable[Label], now_ms: int) -> None:
        """Count labels that were settled by now."""
        by_key: dict[Key, list[Label]] = {}
        for label in labels:
            by_key.setdefault(Key(label.scorer or EVIDENCE, label.action, label.channel), []).append(label)
        for key, own in by_key.items():
            accepted = [label.accepted for label in own]
            sums = label_sums([label.propensity for label in own], accepted)
            if not self._labels.add(_day(now_ms), key, sums):
                self.dropped += len(own)
            self._compare(key, own, now_ms)
        if by_key:
            self._newest_ms = now_ms

    def shown(
        self, scorer: str, reference: Reference, keys: Sequence[tuple[str, str]], matrix: NDArray[np.float32],
        now_ms: int,
    ) -> None:
        """Count the rows of shown items, see ``FeatureWindow.add``."""
        self._references[scorer] = reference
        self._spread.add(_day(now_ms), scorer, reference, keys, matrix)

    def seen(self, now_ms: int) -> Seen:
        """What the window holds at ``now_ms``."""
        first_day = _day(now_ms) - limits.MONITOR_DAYS
        for sums in (self._labels, self._shadows, self._spread.sums):
            sums.forget(_day(now_ms))
        spread = {key: sums for key, sums in self._spread.sums.total().items() if key.scorer in self._references}
        self._references = {scorer: self._references[scorer] for scorer in {key.scorer for key in spread}}
        return Seen(
            max(self._since_ms, (first_day + 1) * limits.DAY_MS), self._newest_ms, self._labels.total(),
            self._shadows.total(), spread, dict(self._references), self.dropped, now_ms,
        )

    def to_wire(self) -> dict[str, Any]:
        """What a restart goes on with: everything but the shadow scores that wait for their labels."""
        return {
            "layout": LAYOUT, "since": self._since_ms, "newest": self._newest_ms, "labels": self._labels.to_wire(),
            "shadows": self._shadows.to_wire(), "spread": self._spread.sums.to_wire(),
            "references": {scorer: one.to_wire() for scorer, one in self._references.items()},
        }

    def go_on(self, wire: Mapping[str, Any]) -> None:
        """Go on from what ``to_wire`` told. Another layout is left alone: then this begins anew."""
        if wire.get("layout") != LAYOUT:
            return
        self._since_ms, self._newest_ms = min(self._since_ms, wire["since"]), wire["newest"]
        self._labels.fill(wire["labels"])
        self._shadows.fill(wire["shadows"])
        self._spread.sums.fill(wire["spread"])
        self._references = {scorer: Reference.from_wire(one) for scorer, one in wire["references"].items()}

    def _compare(self, key: Key, labels: Sequence[Label], now_ms: int) -> None:
        by_shadow: dict[str, list[tuple[float, Label]]] = {}
        for label in labels:
            for version, score in self._waiting.take(label.decision_id, label.action).items():
                by_shadow.setdefault(version, []).append((score, label))
        for version, pairs in by_shadow.items():
            sums = pair_sums(
                [score for score, _ in pairs], [label.propensity for _, label in pairs],
                [label.accepted for _, label in pairs],
            )
            self._shadows.add(_day(now_ms), Key(version, key.action, key.channel), sums)


def _day(now_ms: int) -> int:
    return now_ms // limits.DAY_MS
