"""What the logs of all shards add up to, which is what Insight must tell. Shares no code with it but the names of the
facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from models.profile.facts import Decided, OutcomeApplied

#: (action, channel, what) -> how many; of decisions the action is "".
Cells = Counter[tuple[str, str, str]]
_TOLD = ("chosen", "fallback", "confirmed", "accepted")
_DECISIONS = "decisions"


class Counted:
    """Folded from the facts of every row."""

    def __init__(self) -> None:
        self.cells: Cells = Counter()

    def row(self, segments: Iterable[tuple[bytes, Iterable[Any]]]) -> None:
        for _, facts in segments:
            for fact in facts:
                if isinstance(fact, Decided):
                    self._decided(fact)
                elif isinstance(fact, OutcomeApplied) and fact.action:
                    where = fact.action, fact.channel
                    self.cells[*where, "confirmed"] += fact.contact == "confirm"
                    self.cells[*where, "accepted"] += bool(fact.accepted)

    def _decided(self, fact: Decided) -> None:
        self.cells["", "", _DECISIONS] += 1
        for item in fact.items:
            self.cells[item.action, fact.request["channel"], "fallback" if item.fallback else "chosen"] += 1

    def differing(self, funnel: Mapping[str, Any]) -> list[str]:
        """Where the body of ``GET /v1/funnel?window=all`` tells something else."""
        told: Cells = Counter({("", "", _DECISIONS): funnel[_DECISIONS]})
        for one in funnel["actions"]:
            told.update({(one["action"], one["channel"], name): one[name] for name in _TOLD})
        return [
            f"Insight tells {told[cell]} of {cell}, and the logs {self.cells[cell]}"
            for cell in sorted(told.keys() | self.cells.keys()) if told[cell] != self.cells[cell]
        ]
