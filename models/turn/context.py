"""What a command's handler may ask during a turn: the plan, the clock, remembered keys, free budget units."""

from __future__ import annotations

from collections.abc import Mapping

from models.catalog.plan import Plan
from models.turn.keys import KeyPair, RecentKey, Remembered, is_valid
from models.turn.publics import Deltas
from models.turn.shard_state import ShardState
from models.turn.work import Work


class TurnContext:
    """Read-only for the shard's state; ``taken`` grows with the turn and is forgotten with it."""

    __slots__ = ("_known", "missed", "now_ms", "plan", "state", "taken", "turn_seed")

    def __init__(
        self, state: ShardState, plan: Plan, known: Mapping[KeyPair, Remembered], now_ms: int, turn_seed: bytes
    ) -> None:
        self.state = state
        self.plan = plan
        self.now_ms = now_ms
        self.turn_seed = turn_seed
        #: (budget, period) -> units that this turn took off what was free (negative: gave back).
        self.taken: dict[tuple[str, str], int] = {}
        #: (budget, period) pairs for want of which an action fell out of a decision.
        self.missed: set[tuple[str, str]] = set()
        self._known = known

    def recall(self, work: Work, key: bytes) -> Remembered | None:
        """What is remembered of a key: from this turn, since the last checkpoint, or from the store."""
        entry: RecentKey | None = work.keys.get(key)
        if entry is not None:
            return entry
        pair = (work.customer, key)
        remembered = self.state.recall(pair) or self._known.get(pair)
        if remembered is None or not is_valid(remembered, work.generation, self.now_ms):
            return None
        return remembered

    def free(self, budget: str, period: str) -> int:
        """Units that this shard may still hold or spend, after what the turn took so far."""
        return self.state.escrow.free(budget, period) - self.taken.get((budget, period), 0)

    def note(self, deltas: Deltas) -> None:
        """Count what was recorded, so that the rest of the turn sees it."""
        for key, (held, spent, _) in deltas.budgets.items():
            self.taken[key] = self.taken.get(key, 0) + held + spent
