"""One customer's work in a turn: a private draft, the facts so far, and what they mean for the shard.

A fork is work on trial: a decision with its event, or a dry run. It is adopted as a whole or forgotten. Every decision
makes two of these, so what many never need (sums, keys of their own) is made when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from models.catalog.plan import Plan
from models.experiments.counting import to_row
from models.profile import facts, timers
from models.profile.apply import apply
from models.profile.facts import Born, Decided, Erased, EventApplied, Fact
from models.profile.state import Profile
from models.turn.keys import RecentKey, packed_hint
from models.turn.labels import Label, settled
from models.turn.publics import Deltas, add_fact
from models.turn.receipts import Receipt
from models.turn.results import Segment

#: Shared by all that has no key yet; never written to.
_NO_KEYS: Final[dict[bytes, RecentKey]] = {}


def fold(profile: Profile | None, generation: int, fact: Fact, plan: Plan, now_ms: int) -> Profile | None:
    """Apply one fact of a generation to a draft: live and in replay. None after an erasure."""
    kind = type(fact)
    if kind is Erased:
        return None
    profile = apply(profile, fact, plan, now_ms)
    if kind is Born:
        profile.generation = generation
    return profile


class Work:
    __slots__ = (
        "_keys_owned", "_note", "_owned", "customer", "deltas", "facts", "generation", "keys", "labels", "now_ms",
        "plan", "profile", "receipt",
    )

    def __init__(
        self, customer: bytes, profile: Profile | None, receipt: Receipt | None, plan: Plan, now_ms: int,
        note: Callable[[Deltas], None],
    ) -> None:
        """``note`` is told of every change at shard level as it is recorded."""
        self.customer = customer
        #: None for a customer that was never seen, or erased.
        self.profile = profile
        #: Of the last erasure, None without one.
        self.receipt = receipt
        self.plan = plan
        self.now_ms = now_ms
        self.generation = profile.generation if profile else (receipt.generation + 1 if receipt else 1)
        self.facts: list[Fact] = []
        #: None while nothing changed at shard level.
        self.deltas: Deltas | None = None
        #: What time settled in this turn, of every generation.
        self.labels: tuple[Label, ...] = ()
        #: Idempotency keys of this turn, by key16.
        self.keys: dict[bytes, RecentKey] = _NO_KEYS
        #: False while ``keys`` belongs to the work that this one was forked from, or to nobody.
        self._keys_owned = False
        #: False while ``profile`` is still the committed object.
        self._owned = False
        self._note = note

    @property
    def version(self) -> int:
        return self.profile.state_version if self.profile else 0

    def record(self, fact: Fact) -> None:
        """Apply a fact to the draft."""
        if not self._owned:
            self.profile = self.profile.copy() if self.profile else None
            self._owned = True
        if type(fact) is not EventApplied:
            self._count(fact)
        self.profile = fold(self.profile, self.generation, fact, self.plan, self.now_ms)
        self.facts.append(fact)

    def be_born(self, customer_id: str) -> None:
        """Begin the customer when it does not exist yet."""
        if self.profile is None:
            self.record(Born(customer_id))

    def advance(self) -> None:
        """Fire the timers that are due, in due order."""
        while self.profile is not None and 0 < timers.next_due(self.profile) <= self.now_ms:
            for fact in timers.due_facts(self.profile, self.now_ms):
                self.record(fact)

    def remember(self, key: bytes, fingerprint: bytes, late: bool = False, unfunded: bool = False) -> None:
        """Bind an idempotency key to the effect that was just recorded."""
        if not self._keys_owned:
            self.keys = dict(self.keys)
            self._keys_owned = True
        hint = packed_hint(self.generation, self.version, late, unfunded)
        self.keys[key] = RecentKey(0, self.now_ms, fingerprint, hint)

    def fork(self) -> Work:
        """The same customer on trial."""
        trial = Work(self.customer, self.profile, self.receipt, self.plan, self.now_ms, _nobody)
        trial.keys = self.keys
        return trial

    def adopt(self, trial: Work) -> None:
        """Make a fork's facts this customer's own."""
        if trial.facts:
            self.profile = trial.profile
            self._owned = True
            self.facts = self.facts + trial.facts if self.facts else trial.facts
            self.keys, self._keys_owned = trial.keys, trial._keys_owned
            if trial.deltas is not None:
                self._add(trial.deltas)
                self._note(trial.deltas)
            if trial.labels:
                self.labels += trial.labels

    def reply_to(self, request_id: str) -> bytes:
        """The answer to a decision of this turn."""
        return next(f.reply for f in self.facts if isinstance(f, Decided) and f.request_id == request_id)

    def erase(self, receipt: Receipt) -> Segment:
        """End this generation: the segment with its last fact. What follows begins a new customer."""
        fact = Erased(receipt.text)
        self._count(fact)
        self.facts.append(fact)
        self.receipt = receipt
        segment = self.segment()
        self.profile, self.facts, self.deltas, self.keys, self._keys_owned = None, [], None, _NO_KEYS, False
        self.generation = receipt.generation + 1
        self._owned = True
        return segment

    def segment(self) -> Segment:
        """The facts so far as a segment of the turn's row."""
        deltas = self.deltas
        public: dict[str, Any] = {
            "k": [fact.TAG for fact in self.facts],
            "b": [] if deltas is None else [(*key, *sums) for key, sums in deltas.budgets.items() if any(sums)],
            "o": [] if deltas is None else [(*key, *sums) for key, sums in deltas.evidence.items()],
            "i": [(key, entry.fingerprint, entry.hint) for key, entry in self.keys.items()],
        }
        if deltas is not None and deltas.experiments:
            public["x"] = [to_row(key, tally) for key, tally in deltas.experiments.items()]
        if self.facts and isinstance(self.facts[-1], Erased):
            public["e"] = self.facts[-1].receipt
        return Segment(self.customer, self.generation, public, facts.pack(self.facts))

    def _count(self, fact: Fact) -> None:
        """What a fact changes at shard level (an event: nothing), and the label that it settles."""
        deltas = Deltas()
        add_fact(deltas, self.profile, fact)
        label = settled(self.profile, fact)
        if label is not None:
            self.labels += (label,)
        if deltas:
            self._add(deltas)
            self._note(deltas)

    def _add(self, deltas: Deltas) -> None:
        if self.deltas is None:
            self.deltas = deltas
        else:
            self.deltas.merge(deltas)


def _nobody(_: Deltas) -> None:
    """A fork's changes are told when it is adopted."""
