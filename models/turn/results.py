"""What a finished turn hands to the actor: segments to append, replies to send once they are durable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from models import canonical
from models.immutable import immutable
from models.profile.facts import Decided
from models.profile.state import Profile
from models.turn.commands import Reply, problem
from models.turn.labels import Label
from models.turn.shadowed import ToShadow
from models.turn.shard_facts import ShardFact


@immutable
class Segment:
    """One customer's part of a turn row (one per key generation)."""

    customer: bytes
    generation: int
    #: What rebuilds shard-level state without any customer key, see ``models.turn.publics``.
    public: dict[str, Any]
    #: Msgpack list of wire facts, to be sealed by the actor with the key of (customer, generation).
    facts: bytes


@dataclass(frozen=True, slots=True)
class AnswerAt:
    """A repeated decision: its answer is ``Decided.reply`` of the fact with this request id in row ``seq``."""

    seq: int
    customer: bytes
    generation: int
    request_id: str


@dataclass(frozen=True, slots=True)
class Wait:
    """``min_state_version`` is not reached: nothing was done. Ask again until the deadline, then ``as_reply``."""

    min_state_version: int
    state_version: int
    request_id: str

    def as_reply(self) -> Reply:
        detail = (
            f"state_version {self.min_state_version} was not reached before the deadline; "
            f"it is {self.state_version}"
        )
        body = problem(412, "min_state_version not reached", detail, request_id=self.request_id)
        return Reply(412, canonical.pack(body))


Answer = Reply | AnswerAt | Wait


@dataclass(frozen=True, slots=True)
class TurnResult:
    """``segments`` and ``shard_facts`` are empty when nothing is to be appended: then the actor only confirms."""

    now_ms: int
    turn_seed: bytes
    segments: list[Segment] = field(default_factory=list)
    shard_facts: list[ShardFact] = field(default_factory=list)
    #: One per command of the turn, in their order.
    replies: list[Answer] = field(default_factory=list)
    #: Customers with new facts, as they are once the turn is committed; None for an erased one.
    profiles: dict[bytes, Profile | None] = field(default_factory=dict)
    #: (budget, period) pairs of which a decision found too little: reason to ask the coordinator at once.
    missed: list[tuple[str, str]] = field(default_factory=list)
    #: For whoever watches scorers, not appended: labels that were settled, and the decisions of this turn.
    labels: list[Label] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)
    #: None unless shadows score what was shown; not appended either.
    to_shadow: ToShadow | None = None

    @property
    def publics(self) -> list[tuple[bytes, int, dict[str, Any]]]:
        """(customer, generation, public) per segment: what ``ShardCore.replay_row`` takes."""
        return [(s.customer, s.generation, s.public) for s in self.segments]

    @property
    def is_empty(self) -> bool:
        return not self.segments and not self.shard_facts
