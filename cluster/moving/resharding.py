"""Another number of shards: a new installation beside the old one, with every customer at the owner of its slot.

The new journals begin with a base, like truncated ones: states and profiles as of now; before it only the answers of
the last days (``answers``). The old installation is marked as moved and stays as it is: the archive in which past
decisions are audited and explained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from actors import naming
from actors.journal import seal
from actors.journal.interface import Checkpoint
from actors.journal.records import checksum
from actors.stores.interface import FORMAT, MOVED, MOVING
from actors.stores.master_key import MasterKeyPlace
from cluster.moving.answers import Answers
from cluster.moving.copying import Progress, copy_owner
from cluster.moving.customer_keys import Keys
from cluster.moving.place import Head, Leaving, OwnerState, Source, Target
from cluster.moving.tables import BASE, BASE_PROFILE, CHECKPOINT, DESTROYED, IDEM, KEY, LOG, PROFILE, Row
from models import ids, limits
from models.budgets.escrow import Key
from models.canonical import unpack
from models.coordination.facts import from_wire
from models.coordination.state import CoordinatorState, apply, pack_state, unpack_state
from models.errors import BadInput, InvariantBroken, JournalFailed, KairosError
from models.profile import packing
from models.resharding import held_units, reshard_coordinator, reshard_shards
from models.turn.shard_state import ShardState

#: What goes to the owner of a customer's slot as it is, by count.
_COUNTED: Final = (KEY, DESTROYED, PROFILE, IDEM)


class Resharding:
    def __init__(self, source: Source, target: Target, shards: int, master: MasterKeyPlace, progress: Progress) -> None:
        """Raises ``KairosError`` for what cannot be moved, before anything is written."""
        self._source = source
        self._target = target
        self._shards = shards
        self._progress = progress
        self._keys = Keys(source, target, master)
        self._owners = [owner for owner in source.owners() if naming.shard_of_owner(owner) is not None]
        states = [self._state_of(owner) for owner in source.owners()]
        self._epoch = max(state.epoch for state in states)
        #: Of the shards; the coordinator keeps its own.
        self._incarnation = max(self._state_of(owner).incarnation for owner in self._owners)
        #: The row after which the new journals begin: what old rows were called is never called so again.
        self._seq = max(state.last_seq for state in states)
        self._old = [self._old_state(owner) for owner in self._owners]
        since_ms = max(state.last_ms for state in self._old) - limits.IDEMPOTENCY_MS
        self._answers = Answers(source, target, shards, self._seq, self._epoch, since_ms)
        self._held: list[Counter[Key]] = [Counter() for _ in range(shards)]
        self._counted: Counter[str] = Counter()

    def _state_of(self, owner: str) -> OwnerState:
        state = self._source.state(owner)
        assert state is not None
        return state

    def run(self) -> dict[str, int]:
        """Rows by table."""
        for owner in self._owners:
            self._answers.carry(owner, self._progress)
        for owner in self._owners:
            self._move_customers(owner)
        states = reshard_shards(self._old, self._held, self._answers.ends)
        for state in states:
            self._begin_journal(state)
        coordinator = reshard_coordinator(self._coordinator(), states, self._epoch)
        self._begin_coordinator(pack_state(coordinator))
        if self._source.state(naming.INSIGHT_OWNER) is not None:
            # Its counts stay; that the journals are others, it sees by their beginnings.
            copy_owner(self._source, self._target, naming.INSIGHT_OWNER, self._progress)
        self._target.put_shared(self._source.shared())
        return self._verified()

    def _old_state(self, owner: str) -> ShardState:
        shard, checkpoint = naming.shard_of_owner(owner), self._newest_checkpoint(owner)
        assert shard is not None
        last_seq = self._state_of(owner).last_seq
        if checkpoint is None or checkpoint.seq != last_seq:
            raise KairosError(
                f"no checkpoint covers all of {owner} (row {checkpoint.seq if checkpoint else 0} of {last_seq}): it "
                f"was not stopped in good order; start it with `kairos up`, stop it with `kairos down`, and repeat this"
            )
        return ShardState.unpack(shard, checkpoint.state)

    def _newest_checkpoint(self, owner: str) -> Checkpoint | None:
        rows = [row for page in self._source.pages(owner, CHECKPOINT) for row in page]
        if not rows:
            return None
        seq, at_ms, digest, state = rows[-1]
        if checksum(seq, at_ms, state) != digest:
            raise JournalFailed(f"checkpoint {seq} of {owner} is damaged; restore it from a backup")
        return Checkpoint(seq, at_ms, state)

    def _owner_of(self, customer: bytes) -> str:
        return naming.shard_owner(ids.shard_of(customer, self._shards))

    def _move_customers(self, owner: str) -> None:
        for page in self._source.pages(owner, KEY):
            self._write(KEY.name, [(self._owner_of(row[0]), row) for row in page], owner)
        for page in self._source.pages(owner, DESTROYED):
            self._write(DESTROYED.name, [(self._owner_of(row[0]), row) for row in page], owner)
        at = IDEM.columns.index("customer")
        for page in self._source.pages(owner, IDEM):
            moved = [(self._owner_of(row[at]), self._answers.moved_key(owner, row)) for row in page]
            self._write(IDEM.name, moved, owner)
        for page in self._source.pages(owner, PROFILE):
            self._write(PROFILE.name, [(self._owner_of(row[0]), self._profile(row)) for row in page], owner)
        self._note_held(owner)

    def _profile(self, row: Row) -> Row:
        """As of the row at which the new journal begins."""
        customer, seq, generation, due_ms, digest, sealed = row
        if checksum(customer, seq, generation, due_ms, sealed) != digest:
            raise JournalFailed(f"a profile stored at row {seq} is damaged; restore it from a backup")
        begin = self._answers.ends[ids.shard_of(customer, self._shards)]
        fresh = checksum(customer, begin, generation, due_ms, sealed)
        return customer, begin, generation, due_ms, fresh, sealed

    def _write(self, name: str, routed: list[tuple[str, Row]], old: str) -> None:
        by_owner: dict[str, list[Row]] = {}
        for owner, row in routed:
            by_owner.setdefault(owner, []).append(row)
        for owner, rows in by_owner.items():
            if name == KEY.name:
                self._target.write(owner, KEY, [self._keys.moved(old, owner, row) for row in rows])
            elif name == PROFILE.name:
                self._target.write(owner, PROFILE, rows)
                self._target.write(owner, BASE_PROFILE, rows)
            else:
                self._target.write(owner, DESTROYED if name == DESTROYED.name else IDEM, rows)
        self._counted[name] += len(routed)
        self._progress(old, name, self._counted[name])

    def _note_held(self, owner: str) -> None:
        """Whose units are whose: both tables are in the order of customers, so one pass over each is enough."""
        keys = _by_customer(row for page in self._source.pages(owner, KEY) for row in page)
        rows = next(keys, None)
        for page in self._source.pages(owner, PROFILE):
            for customer, _, generation, _, _, sealed in page:
                while rows is not None and rows[0][0] < customer:
                    rows = next(keys, None)
                mine = [row for row in rows or () if (row[0], row[1]) == (customer, generation)]
                if not mine:
                    continue  # erased: nobody can read it any more
                packed = seal.unseal(self._keys.opened(owner, mine[0]), seal.PROFILE, customer, generation, sealed)
                for key, units in held_units(packing.unpack(packed)):
                    self._held[ids.shard_of(customer, self._shards)][key] += units

    def _begin_journal(self, state: ShardState) -> None:
        owner, packed = naming.shard_owner(state.shard), state.pack()
        row = (state.seq, state.last_ms, checksum(state.seq, state.last_ms, packed), packed)
        self._target.write(owner, BASE, [row])
        self._target.write(owner, CHECKPOINT, [row])
        self._target.put_state(owner, OwnerState(self._epoch, state.seq, self._incarnation))

    def _begin_coordinator(self, state: bytes) -> None:
        owner, row = naming.COORDINATOR_OWNER, (self._seq, 0, checksum(self._seq, 0, state), state)
        self._target.write(owner, CHECKPOINT, [row])
        self._target.put_state(owner, OwnerState(self._epoch, self._seq, self._state_of(owner).incarnation))

    def _coordinator(self) -> CoordinatorState:
        owner = naming.COORDINATOR_OWNER
        checkpoint = self._newest_checkpoint(owner)
        state = unpack_state(checkpoint.state) if checkpoint is not None else CoordinatorState()
        after = (checkpoint.seq,) if checkpoint is not None else None
        for page in self._source.pages(owner, LOG, after):
            for row in page:
                for wire in unpack(row[-1])["f"]:
                    apply(state, from_wire(wire))
        return state

    def _verified(self) -> dict[str, int]:
        """Raises ``InvariantBroken`` when a row was lost or doubled on the way."""
        totals: dict[str, int] = {}
        for table in _COUNTED:
            before, after = (
                sum(len(page) for owner in place.owners() for page in place.pages(owner, table))
                for place in (self._source, self._target)
            )
            if before != after:
                raise InvariantBroken(f"{after} rows of {table.name} arrived of {before}; remove what was made")
            totals[table.name] = after
        return totals


def _by_customer(rows: Iterator[Row]) -> Iterator[list[Row]]:
    group: list[Row] = []
    for row in rows:
        if group and group[0][0] != row[0]:
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def reshard(
    source: Leaving, target: Target, shards: int, master: MasterKeyPlace, progress: Progress = lambda *_: None
) -> dict[str, int]:
    """Rows by table; empty when all was done before. May be killed at any point, and repeated: it begins anew. Of
    ``source`` nothing changes but that it is marked as moved at the end. Raises ``KairosError``."""
    head = source.head()
    if head is None or head.format not in (FORMAT, MOVED):
        raise BadInput(f"{source.name} holds no whole installation; name another")
    if not 1 <= shards <= limits.SHARDS_MAX:
        raise BadInput(f"an installation has 1 to {limits.SHARDS_MAX} shards")
    if source.state(naming.COORDINATOR_OWNER) is None:
        raise BadInput(f"{source.name} was never started; install with the number of shards that you want")
    wanted = Head(head.name, FORMAT, head.slots, shards, head.secret)
    if _is_done(source, target, wanted):
        return {}
    resharding = Resharding(source, target, shards, master, progress)
    target.begin(wanted)
    totals = resharding.run()
    # At no moment can both be started: what one of them acknowledged then would be lost with it.
    source.mark_moved(target.name)
    target.finish(wanted)
    return totals


def _is_done(source: Leaving, target: Target, wanted: Head) -> bool:
    """Whether all was done before. Removes what an interrupted run left. Raises ``BadInput`` for anything else."""
    found, went_to = target.head(), source.moved_to()
    is_unfinished = found is not None and (found.name, found.format) == (wanted.name, MOVING)
    if went_to is not None and (went_to != target.name or not is_unfinished):
        if found is not None and went_to == target.name and (found.name, found.shards) == (wanted.name, wanted.shards):
            return True
        raise BadInput(f"{source.name} was moved already, to {went_to}")
    if is_unfinished:
        target.clear()
    elif not target.is_empty():
        raise BadInput(f"{target.name} holds something else; empty it, or name another place")
    return False
