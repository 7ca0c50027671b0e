"""The shard's state machine. Pure: the actor gives it commands, profiles, the clock and a seed.

    turn = core.begin(commands, profiles, known, now_ms, turn_seed)
    while (wave := turn.next_wave()) is not None:
        turn.resolve(wave, scores, degraded)        # scores: from the scorer, or None
    result = turn.finish()
    # the actor appends result.shard_facts and result.segments as one row, then:
    core.commit(result, seq)

Nothing of the core changes before ``commit``: dropping a turn (a failed append) is forgetting it. ``commit`` does
exactly what ``replay_row`` does with the same row, so a restarted shard stands where the crashed one stood.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from models.profile.state import Profile
from models.turn.commands import Command
from models.turn.keys import KeyPair, RecentKey, Remembered
from models.turn.results import TurnResult
from models.turn.shard_facts import ShardFact
from models.turn.shard_state import ShardState
from models.turn.waves import Turn


class ShardCore:
    def __init__(self, shard: int) -> None:
        self.state = ShardState(shard)

    def begin(
        self, commands: list[Command], profiles: Mapping[bytes, Profile | None],
        known: Mapping[KeyPair, Remembered], now_ms: int, turn_seed: bytes,
    ) -> Turn:
        """Start a turn. ``profiles`` holds every customer of ``commands`` (None: never seen or erased); ``known`` the
        keys of ``keys.wanted(commands)`` that the store remembers. ``now_ms`` is max(last logged, clock)."""
        return Turn(self.state, commands, profiles, known, now_ms, turn_seed)

    def adopt(self, facts: list[ShardFact], now_ms: int, turn_seed: bytes) -> TurnResult:
        """A turn of shard facts alone: append it as any other, then ``commit`` applies them."""
        return TurnResult(now_ms, turn_seed, shard_facts=facts)

    def commit(self, result: TurnResult, seq: int) -> None:
        """The row is durable under ``seq``: make it true."""
        self.replay_row(result.now_ms, result.shard_facts, result.publics, seq)

    def replay_row(
        self, now_ms: int, shard_facts: Iterable[ShardFact], publics: Iterable[tuple[bytes, int, dict[str, Any]]],
        seq: int,
    ) -> None:
        """Fold one row into the shard-level state; publics are (customer, generation, public) in row order."""
        raise NotImplementedError

    def instruct(self, instructions: dict[str, Any], now_ms: int) -> list[ShardFact]:
        """The coordinator's answer to ``report`` as facts to ``adopt``; empty when there is nothing new."""
        raise NotImplementedError

    def report(self, now_ms: int) -> dict[str, Any]:
        """What ``Coordinator.sync`` is told."""
        raise NotImplementedError

    def keys_up_to(self, seq: int) -> list[tuple[bytes, bytes, RecentKey]]:
        """Recent keys of rows up to ``seq``, for a checkpoint to write out."""
        raise NotImplementedError

    def forget_keys(self, seq: int) -> None:
        """The store remembers every key of rows up to ``seq`` now."""
        raise NotImplementedError

    def pack_state(self) -> bytes:
        """Everything at shard level but the recent keys, for a checkpoint."""
        raise NotImplementedError

    def load_state(self, data: bytes) -> None:
        raise NotImplementedError

    def validate(self) -> None:
        """Raises ``InvariantBroken`` when the shard-level state contradicts itself."""
        raise NotImplementedError
