"""Looking back: a customer as of a version or a time, and a decision as it was logged. Read in the writer thread a few
rows at a time, so that turns come in between; nothing is changed, not even what is in memory."""

from __future__ import annotations

from collections.abc import Sequence

from actors.journal.rows import RowSegment
from actors.shard.parts import ShardParts
from actors.shard.shard_past import ShardPast, shard_facts_of
from actors.shard.timeline import rows_of
from models import limits
from models.catalog.plan import Plan
from models.errors import BadInput, KairosError
from models.immutable import immutable
from models.profile import packing
from models.profile.facts import Decided, from_wire
from models.profile.state import Profile
from models.times import format_time
from models.turn.past import AsOf, Course, Moment, advanced
from models.turn.shard_facts import CatalogAdopted

_ALL = 2**31


class NoSuchCustomerError(KairosError):
    """There is no such customer now, or was none then."""


class NoSuchDecisionError(KairosError):
    """This customer never got such a decision, or it is erased."""


class TruncatedError(KairosError):
    """What is asked about is older than the journal's retention."""


class _MovedError(KairosError):
    """Rows were truncated while they were read."""


@immutable
class Found:
    """A decision as it was logged."""

    fact: Decided
    now_ms: int
    generation: int


class Past:
    def __init__(self, parts: ShardParts, shard: ShardPast) -> None:
        self._parts = parts
        self._shard = shard

    async def present(self, customer: bytes) -> Profile:
        """As of the newest row, a private copy. Raises NoSuchCustomerError."""
        profile = self._resident(customer)
        if profile is None and self._parts.residency.get(customer) is None:
            loaded = await self._parts.writer(self._parts.store.load, [customer])
            profile = self._resident(customer)  # a turn may have come first
            stored = loaded.profiles.get(customer)
            if profile is None and stored is not None and self._parts.residency.get(customer) is None:
                profile = packing.unpack(stored.packed)
                profile.generation = stored.generation
        if profile is None:
            raise NoSuchCustomerError("this customer was never seen, or was erased")
        return profile

    def _resident(self, customer: bytes) -> Profile | None:
        profile = self._parts.residency.peek(customer)
        return profile.copy() if profile is not None else None

    async def now(self, customer: bytes) -> Moment:
        """As a read finds it now. Raises NoSuchCustomerError."""
        profile = await self.present(customer)
        plan, now_ms = self._parts.core.state.plan, self._parts.now_ms()
        if plan is None:
            raise NoSuchCustomerError("this shard has not adopted a catalog yet")
        return Moment(advanced(profile, plan, now_ms), plan, now_ms, self._parts.core.state.seq)

    async def moment(self, customer: bytes, as_of: AsOf) -> Moment:
        """Raises BadInput for what is not reached yet, NoSuchCustomerError, TruncatedError."""
        present = await self.present(customer)
        self._check_reached(as_of, present)
        for _ in range(limits.PAST_TRIES_MAX):
            try:
                return await self._moment(customer, present.generation, as_of)
            except _MovedError:
                continue
        raise TruncatedError("the journal is being truncated there; what is asked about is about to be gone")

    def _check_reached(self, as_of: AsOf, present: Profile) -> None:
        if as_of.version is not None and as_of.version > present.state_version:
            raise _not_reached(f"version {as_of.version} is not reached yet; it is {present.state_version}")
        now_ms = self._parts.now_ms()
        if as_of.time_ms is not None and as_of.time_ms > now_ms:
            raise _not_reached(f"this time is not reached yet; it is {format_time(now_ms)}")

    async def _moment(self, customer: bytes, generation: int, as_of: AsOf) -> Moment:
        parts = self._parts
        until = await self._newest_by(as_of.time_ms) if as_of.time_ms is not None else parts.core.state.seq
        rows = await rows_of(parts, customer, until + 1, _ALL)
        # Read after the list of rows: what was truncated in between is in it.
        begin = await parts.writer(self._shard.begin, customer, generation)
        _check_kept(as_of, begin.profile, begin.at_ms)
        if begin.profile is not None and begin.profile.state_version == as_of.version:
            return Moment(begin.profile, _known(begin.plan), begin.at_ms, begin.seq)
        catalogs = await self._shard.catalog_rows(until, begin.seq)
        todo = sorted({*(seq for seq in rows if seq > begin.seq), *catalogs})
        course, plan, seq = Course(generation, begin.profile, as_of.version), begin.plan, begin.seq
        while todo:
            part, todo = todo[: limits.READ_ROWS], todo[limits.READ_ROWS :]
            plan, seq, is_there = await parts.writer(self._follow, course, customer, generation, plan, part)
            if is_there:
                assert course.profile is not None
                return Moment(course.profile, _known(plan), course.now_ms, seq)
        if course.profile is None or as_of.time_ms is None:
            raise NoSuchCustomerError("this customer was not seen yet then, or who it was then is erased")
        return Moment(advanced(course.profile, _known(plan), as_of.time_ms), _known(plan), as_of.time_ms, until)

    def _follow(
        self, course: Course, customer: bytes, generation: int, plan: Plan | None, rows: Sequence[int]
    ) -> tuple[Plan | None, int, bool]:
        """The next rows: the plan after them, the last row, whether the course has arrived. In the writer thread."""
        store = self._parts.store
        adopted: CatalogAdopted | None = None
        for seq in rows:
            row = store.journal.row(seq)
            if row is None:
                raise _MovedError
            turn, wires = store.opened(row, customer)
            for fact in shard_facts_of(turn.shard_facts):
                adopted = fact if isinstance(fact, CatalogAdopted) else adopted
            for part, part_wires in zip(turn.segments, wires, strict=True):
                if not _is_of(part, customer, generation):
                    continue
                if part_wires is None:
                    raise NoSuchCustomerError("this customer was erased")
                plan, adopted = (self._shard.plan_of(adopted), None) if adopted is not None else (plan, None)
                if course.follow(map(from_wire, part_wires), plan, turn.now_ms):
                    return plan, seq, True
        return (plan if adopted is None else self._shard.plan_of(adopted)), rows[-1], False

    async def _newest_by(self, time_ms: int) -> int:
        """The newest row whose clock is not after ``time_ms``; 0 when all are. Clocks never go back."""
        journal = self._parts.store.journal
        base = await self._parts.writer(journal.base)
        low, high = (base.seq if base else 0), self._parts.core.state.seq
        while low < high:
            middle = (low + high + 1) // 2
            row = await self._parts.writer(journal.row, middle)
            if row is None or row.at_ms <= time_ms:
                low = middle
            else:
                high = middle - 1
        return low

    async def decision(self, customer: bytes, decision_id: str) -> Found:
        """The newest first. Raises NoSuchDecisionError, TruncatedError."""
        bound = 2**62
        while rows := await rows_of(self._parts, customer, bound, limits.READ_ROWS):
            found = await self._parts.writer(self._decision_in, customer, decision_id, rows)
            if found is not None:
                return found
            bound = rows[-1]
        raise await self.no_decision(customer)

    async def no_decision(self, customer: bytes) -> KairosError:
        """Why a decision is not in the journal."""
        stored = (await self._parts.writer(self._parts.store.journal.base_profiles, [customer])).get(customer)
        if stored is not None and await self._parts.writer(self._parts.store.unseal_profile, stored) is not None:
            return TruncatedError("this decision is older than what the journal keeps")
        return NoSuchDecisionError("this customer has no such decision")

    def _decision_in(self, customer: bytes, decision_id: str, rows: Sequence[int]) -> Found | None:
        """In the writer thread."""
        for row in filter(None, map(self._parts.store.journal.row, rows)):
            turn, wires = self._parts.store.opened(row, customer)
            for part, part_wires in zip(turn.segments, wires, strict=True):
                for wire in part_wires or ():
                    fact = from_wire(wire)
                    if isinstance(fact, Decided) and fact.decision_id == decision_id:
                        return Found(fact, turn.now_ms, part.generation)
        return None


def _is_of(part: RowSegment, customer: bytes, generation: int) -> bool:
    return part.customer == customer and part.generation == generation


def _known(plan: Plan | None) -> Plan:
    assert plan is not None
    return plan


def _not_reached(message: str) -> BadInput:
    return BadInput(message, [{"loc": ["as_of"], "msg": message}])


def _check_kept(as_of: AsOf, begins_with: Profile | None, at_ms: int) -> None:
    """Raises TruncatedError for a moment before the customer's base."""
    if begins_with is None:
        return
    is_older = at_ms > as_of.time_ms if as_of.time_ms is not None else begins_with.state_version > (as_of.version or 0)
    if is_older:
        raise TruncatedError("what is asked about is older than what the journal keeps")
