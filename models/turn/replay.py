"""Run a logged decision again: same inputs, same bytes. Used by audits and by explanations of past decisions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from models.profile.facts import Decided, Fact
from models.profile.state import Profile
from models.turn.shard_facts import ShardFact
from models.turn.shard_state import ShardState


@dataclass(frozen=True, slots=True)
class Reexecution:
    #: The answer's body, msgpack: equal to ``Decided.reply`` unless something is broken.
    reply: bytes
    #: The contract's Explanation, with ``versions.state`` as it was before the decision.
    explanation: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decision met while folding, with the customer as it was before it (a private copy)."""

    customer: bytes
    fact: Decided
    before: Profile
    now_ms: int


def reexecute(state: ShardState, replayed: Replayed) -> Reexecution:
    """``state``: plan and evidence as adopted when the decision was made (``Fold.state`` at that row)."""
    raise NotImplementedError


class Fold:
    """Folds decoded rows in order, keeping plan, evidence and profiles; hands out every decision it meets."""

    def __init__(self, state: ShardState, profiles: dict[bytes, Profile | None]) -> None:
        self.state = state
        self.profiles = profiles

    def row(
        self, now_ms: int, shard_facts: Iterable[ShardFact], customers: Iterable[tuple[bytes, int, list[Fact] | None]]
    ) -> Iterator[Replayed]:
        """(customer, generation, facts) per segment; facts None: the key was destroyed. Use the iterator up."""
        raise NotImplementedError
