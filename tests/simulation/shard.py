"""One shard without any actor: ``ShardCore`` over a simulated disk, with its customers, crashes and restarts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from simulation.disk import SimulatedDisk
from simulation.fates import explained, fates_told

from models import canonical, ids
from models.profile import packing
from models.profile.facts import Decided, Fact, from_wire
from models.profile.state import Profile
from models.profile.validate import validate
from models.turn import keys, shard_facts
from models.turn.commands import Command, Reply
from models.turn.core import ShardCore
from models.turn.keys import RecentKey
from models.turn.labels import Label
from models.turn.receipts import Receipt
from models.turn.replay import Fold, fold_segment
from models.turn.results import AnswerAt, TurnResult, Wait
from models.turn.shard_facts import CatalogAdopted, Granted, ShardFact
from models.turn.shard_state import ShardState
from models.turn.wave_parts import Scored, WavePart

SECRET = b"secret"
Scorer = Callable[[WavePart], tuple[NDArray[np.float32] | None, bool]]
#: Rows -> their contributions, or None where the scorer does not say.
Contribute = Callable[[NDArray[np.float32]], NDArray[np.float32] | None]


def key_of(customer_id: str) -> bytes:
    return ids.customer_key(SECRET, ids.MAIN_TENANT, customer_id)


def row_itself(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Every column contributes its own value, NaN nothing; the bias is 0."""
    return np.pad(np.nan_to_num(rows), ((0, 0), (0, 1)))


def no_scorer(_: WavePart) -> tuple[NDArray[np.float32] | None, bool]:
    return None, False


@dataclass
class Row:
    seq: int
    now_ms: int
    shard_facts: list[ShardFact]
    #: (customer, generation, public, facts).
    segments: list[tuple[bytes, int, dict[str, Any], list[Fact]]]

    @property
    def publics(self) -> list[tuple[bytes, int, dict[str, Any]]]:
        return [(customer, generation, public) for customer, generation, public, _ in self.segments]


def decode(seq: int, payload: bytes) -> Row:
    row = canonical.unpack(payload)
    segments = [
        (customer, generation, public, [from_wire(wire) for wire in canonical.unpack(facts)])
        for customer, generation, public, facts in row["g"]
    ]
    return Row(seq, row["t"], [shard_facts.from_wire(wire) for wire in row["f"]], segments)


class SimulatedShard:
    def __init__(self, disk: SimulatedDisk, wall_ms: int) -> None:
        self.disk = disk
        self.wall_ms = wall_ms
        self.seed = 0
        self.contribute: Contribute = row_itself
        #: All that turns have settled.
        self.labels: list[Label] = []
        self.start()

    def start(self) -> None:
        """Forget memory, recover from the disk: checkpoint first, then the rows after it."""
        self.disk.recover()
        self.core = ShardCore(0)
        self.profiles: dict[bytes, Profile | None] = {}
        self.stored: dict[tuple[bytes, bytes], RecentKey] = {}
        self.receipts: dict[bytes, Receipt] = {}
        for row in self.rows():
            self._note_erased(row.now_ms, row.publics)
        covered = 0
        if self.disk.checkpoint is not None:
            covered, state, profiles, stored = self.disk.checkpoint
            self.core.load_state(state)
            self.profiles = {customer: packing.unpack(data) for customer, data in profiles.items()}
            self.stored = {(customer, key): RecentKey(*entry) for customer, key, *entry in stored}
        for row in self.rows(covered):
            self.core.replay_row(row.now_ms, row.shard_facts, row.publics, row.seq)
            for customer, generation, _, facts in row.segments:
                plan = self.core.state.plan
                assert plan is not None
                self.profiles[customer] = fold_segment(
                    self.profiles.get(customer), generation, facts, plan, row.now_ms
                )

    def save_checkpoint(self) -> None:
        """Write state, profiles and keys aside, as the actor does in the background."""
        state = self.core.state
        kept = [(*pair, e.seq, e.at_ms, e.fingerprint, e.hint) for pair, e in self.stored.items()]
        fresh = [(*pair, *entry) for pair, entry in self.core.set_keys_apart().items()]
        profiles = {key: packing.pack(profile) for key, profile in self.profiles.items() if profile is not None}
        self.disk.checkpoint = (state.seq, self.core.pack_state(), profiles, kept + fresh)
        self.stored |= {(customer, key): RecentKey(*entry) for customer, key, *entry in fresh}
        self.core.forget_keys()

    def rows(self, after: int = 0) -> list[Row]:
        rows = self.disk.rows()
        return [decode(at + 1, rows[at]) for at in range(after, len(rows))]

    def adopt(self, facts: list[ShardFact]) -> None:
        self._append(self.core.adopt(facts, self.core.now_ms(self.wall_ms), self._next_seed()))

    def adopt_plan(self, plan: Any, grants: dict[tuple[str, str], int]) -> None:
        facts: list[ShardFact] = [CatalogAdopted(plan.version, dict(plan.catalog))]
        self.adopt(facts + [Granted(budget, period, total) for (budget, period), total in grants.items()])

    def turn(self, commands: list[Command], scorer: Scorer = no_scorer) -> list[Reply]:
        """One turn, appended and answered. Raises ``CrashError`` or ``RefusedError`` as the disk does."""
        wanted = {pair: self.stored[pair] for pair in keys.wanted(commands) if pair in self.stored}
        profiles = {command.customer: self.profiles.get(command.customer) for command in commands}
        ended = {customer: self.receipts[customer] for customer in profiles if customer in self.receipts}
        turn = self.core.begin(commands, profiles, wanted, self.core.now_ms(self.wall_ms), self._next_seed(), ended)
        while (wave := turn.next_wave()) is not None:
            turn.resolve(wave, [self._scored(part, scorer) for part in wave.parts])
        result = turn.finish()
        self.labels += result.labels
        if not result.is_empty:
            self._append(result)
        return [self._settle(answer) for answer in result.replies]

    def _scored(self, part: WavePart, scorer: Scorer) -> Scored:
        scores, degraded = scorer(part)
        rows = part.to_explain(scores)
        return Scored(scores, degraded, self.contribute(part.matrix[rows]) if rows.size else None)

    def _append(self, result: TurnResult) -> None:
        payload = canonical.pack({
            "t": result.now_ms, "s": result.turn_seed, "f": [shard_facts.to_wire(f) for f in result.shard_facts],
            "g": [[s.customer, s.generation, s.public, s.facts] for s in result.segments],
        })
        seq = self.disk.append(payload)
        self._note_erased(result.now_ms, result.publics)
        self.core.commit(result, seq)
        self.profiles |= result.profiles

    def _note_erased(self, now_ms: int, publics: list[tuple[bytes, int, dict[str, Any]]]) -> None:
        """As the key store remembers it; a start makes sure of every row."""
        for customer, generation, public in publics:
            if "e" in public:
                self.receipts[customer] = Receipt(customer, generation, now_ms)

    def _settle(self, answer: Reply | AnswerAt | Wait) -> Reply:
        if isinstance(answer, Wait):
            return answer.as_reply()
        if isinstance(answer, Reply):
            return answer
        row = decode(answer.seq, self.disk.rows()[answer.seq - 1])
        for customer, generation, _, facts in row.segments:
            if (customer, generation) == (answer.customer, answer.generation):
                for fact in facts:
                    if isinstance(fact, Decided) and fact.request_id == answer.request_id:
                        return Reply(200, fact.reply)
        raise AssertionError(f"row {answer.seq} does not hold the answer to {answer.request_id}")

    def _next_seed(self) -> bytes:
        self.seed += 1
        return hashlib.blake2b(self.seed.to_bytes(8, "big"), digest_size=16).digest()

    def validate(self) -> None:
        """Every profile and the shard-level state, from scratch."""
        self.core.validate()
        plan = self.core.state.plan
        assert plan is not None
        for profile in self.profiles.values():
            if profile is not None:
                validate(profile, plan, self.core.state.last_ms)

    def check_reexecution(self) -> int:
        """Every decision of the journal again, from its first row: how many were compared."""
        fold = Fold(ShardState(0), {})
        compared = 0
        for row in self.rows():
            customers = [(customer, generation, facts) for customer, generation, _, facts in row.segments]
            for replayed in fold.row(row.now_ms, row.shard_facts, customers):
                again = replayed.reexecute()
                assert again.reply == replayed.fact.reply, (
                    canonical.unpack(again.reply), canonical.unpack(replayed.fact.reply)
                )
                assert again.fates == replayed.fact.fates
                assert fates_told(replayed.plan, again.fates) == explained(again.explanation)
                assert again.explanation["versions"]["state"] == replayed.fact.state_version
                compared += 1
        return compared
