"""Coming to stand where the log ends, and becoming its owner: what a restart does, and a standby bit by bit.

Replay comes first, from the newest checkpoint through the tail, and needs no ownership: while another incarnation
still serves, this one reads what that one writes. Then the epoch is taken, which fences everybody else, then whatever
was appended in between is replayed. Until then nothing is written. So a move costs the time of the last few rows.

The owner goes on writing checkpoints meanwhile. What such a checkpoint covers is in the store's indexes, and is
forgotten here, as a restart from it would not have it in memory either.

Everything blocks and runs in the writer thread.
"""

from __future__ import annotations

import time
from collections import deque

import structlog

from actors.journal.interface import Checkpoint, Journal
from actors.shard.parts import ShardParts, Tail
from actors.shard.recovery import Erasure, Replayed, replay, write_out
from models import limits
from models.errors import JournalFailed, Superseded

log = structlog.get_logger(__name__)


class Follower:
    def __init__(self, parts: ShardParts) -> None:
        self._parts = parts
        self._shard = parts.settings.shard
        self._incarnation = parts.settings.incarnation
        #: Up to which row the store's indexes have everything.
        self._covered = 0
        self._rows: deque[Replayed] = deque()
        #: Of rows that no checkpoint covers: the owner makes sure that their keys are gone.
        self._erased: list[Erasure] = []
        self._is_owner = False
        self._may_write = False
        self._is_sound = False
        self._looked_s = 0.0
        self._owner = ""
        #: Whether another incarnation may serve at this moment, which must not be fenced just to make room.
        self.is_standby = parts.settings.standby
        #: Rows that the log had more at the last look.
        self.behind = 0

    @property
    def _journal(self) -> Journal:
        return self._parts.store.journal

    def begin(self, owner: str) -> None:
        """Load the newest checkpoint. ``owner``: who this process is, for the store to say. Raises Superseded,
        JournalFailed."""
        self._owner = owner
        incarnation, mine = self._journal.incarnation(), self._incarnation
        if incarnation > mine and self._journal.is_remote:
            raise Superseded(f"incarnation {incarnation} of shard {self._shard} has its journal, this one is {mine}")
        # Files on this machine admit one process at a time, whatever number it was given.
        self._incarnation = max(incarnation, mine)
        if incarnation == mine:
            # It owned the journal before it was restarted: nobody else serves.
            self.is_standby = False
        self._load()

    def _load(self) -> None:
        parts, journal = self._parts, self._journal
        checkpoint = journal.checkpoint()
        if checkpoint is None and journal.oldest_seq() > 1:
            checkpoint = journal.checkpoint()  # its first one, just now
            if checkpoint is None:
                raise JournalFailed("the journal was truncated but has no checkpoint; restore it from a backup")
        parts.begin_anew()
        self._rows.clear()
        self._erased.clear()
        self._covered = 0
        if checkpoint is not None:
            parts.core.load_state(checkpoint.state)
            if parts.core.state.seq != checkpoint.seq:
                raise JournalFailed(f"checkpoint {checkpoint.seq} holds the state of row {parts.core.state.seq}")
            self._covered = checkpoint.seq

    def step(self) -> bool:
        """Replay the next few rows; False when there were none, and this stands at the end of the log."""
        parts, seq = self._parts, self._parts.core.state.seq
        rows = list(self._journal.rows(seq, limits.READ_ROWS))
        if not rows:
            self._stand()
            return False
        if rows[0].seq != seq + 1:
            self._again(seq, rows[0].seq)
            return True
        replayed, erased = replay(parts, rows)
        self._rows.extend(replayed)
        for row in replayed:
            parts.tail.grow(row.segments, row.bytes)
        if erased:
            # The owner destroys these keys about now: what is known of them here must not outlive them.
            parts.store.keyring.forget([(one.customer, one.generation) for one in erased])
            self._erased += erased
        self._make_room()
        return True

    def _again(self, seq: int, oldest: int) -> None:
        """The owner has truncated rows that were not read yet: begin at its checkpoint."""
        checkpoint = self._journal.checkpoint()
        if self._is_owner or checkpoint is None or checkpoint.seq <= seq:
            raise JournalFailed(f"the log goes on at row {oldest} after row {seq}; restore this journal from a backup")
        log.info("rows were truncated before they were read; beginning anew", shard=self._shard, seq=seq)
        self._load()

    def _stand(self) -> None:
        """At the end of the log: all of the state is checked once, then no more, for a takeover cannot wait for it."""
        if not self._is_sound:
            self._parts.core.validate()
            self._is_sound = True

    def follow(self) -> None:
        """Replay all that there is, and forget what the owner's checkpoints cover."""
        self._catch_up()
        now_s = time.monotonic()
        if now_s - self._looked_s >= limits.FOLLOW_CHECKPOINT_MS / 1_000:
            self.look_at_checkpoint()
            self._looked_s = now_s

    def _catch_up(self) -> None:
        self.behind = max(0, self._journal.newest_seq() - self._parts.core.state.seq)
        if self.behind:
            while self.step():
                pass
            self.behind = 0

    def look_at_checkpoint(self) -> None:
        """Forget what the newest checkpoint covers, once all of that is replayed."""
        checkpoint: Checkpoint | None = self._journal.checkpoint()
        if checkpoint is None or not self._covered < checkpoint.seq <= self._parts.core.state.seq:
            return
        parts, covered = self._parts, checkpoint.seq
        parts.core.forget_until(covered)
        parts.recent_rows.forget_until(covered)
        parts.residency.stored_until(covered)
        while self._rows and self._rows[0].seq <= covered:
            self._rows.popleft()
        parts.tail = Tail(len(self._rows), sum(r.segments for r in self._rows), sum(r.bytes for r in self._rows))
        self._erased = [erasure for erasure in self._erased if erasure.seq > covered]
        self._covered = covered

    def take_over(self) -> int:
        """Become the owner and stand where the owner before stood; returns the epoch. Raises Superseded, JournalFailed,
        StoreAway."""
        started = time.monotonic()
        self._catch_up()
        if self.is_standby:
            self.look_at_checkpoint()
        seq = self._parts.core.state.seq
        if not self._is_owner:
            self._own()
        while self.step():
            pass
        parts, journal = self._parts, self._journal
        if parts.core.state.seq != journal.last_seq:
            raise JournalFailed(f"replay ended at row {parts.core.state.seq}, the journal at {journal.last_seq}")
        parts.store.make_sure_erased([(one.customer, one.generation, one.at_ms) for one in self._erased])
        log.info("shard taken over", shard=self._shard, incarnation=self._incarnation, epoch=journal.epoch,
                 seq=journal.last_seq, rows_in_between=journal.last_seq - seq, tail_rows=parts.tail.turns,
                 customers_in_memory=len(parts.residency), took_ms=round((time.monotonic() - started) * 1_000))
        return journal.epoch

    def _own(self) -> None:
        self._journal.take_over(self._owner, self._incarnation)
        self._is_owner = True

    def _was_overtaken(self) -> bool:
        """Whether the owner before has written a checkpoint beyond this place: what it covers is stored as of there,
        and a restart begins there, so nothing older may be written over it. Asked once: no other owner writes now."""
        if self._may_write:
            return False
        self._may_write = True
        checkpoint = self._journal.checkpoint()
        return checkpoint is not None and checkpoint.seq > self._parts.core.state.seq

    def _make_room(self) -> None:
        """Bring memory back under its bound: by writing out, if this may; else by letting go of what the owner wrote.

        A standby whose owner has not written enough yet exceeds its bound, by at most what the owner will write with
        its next checkpoint.
        """
        residency = self._parts.residency
        while waiting := residency.shrink(limits.FLUSH_PROFILES):
            if not self._is_owner and not self.is_standby:
                self._own()
            if self._is_owner:
                if self._was_overtaken():
                    self._load()
                    return
                write_out(self._parts, waiting)
            else:
                stored = self._journal.load_profiles(waiting)
                if not residency.stored_elsewhere({customer: one.seq for customer, one in stored.items()}):
                    return


def recover(parts: ShardParts, owner: str) -> None:
    """Become the owner and stand where the last owner stood. Raises JournalFailed when the journal cannot be read."""
    follower = Follower(parts)
    follower.begin(owner)
    follower.take_over()
