"""Whose scores may have changed: customers marked by what happened to them, in the order in which it did.

Marks are memory alone. What a start or a full queue loses is found again: by the customer's next touch, and by the
sweep over all customers in memory, at the start, when other scorers are adopted, and once a day.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import chain, islice
from typing import Final

from models import limits
from models.profile.facts import AttributesChanged, EventApplied, OutcomeApplied, ResponseEnded
from models.profile.state import Profile
from models.turn.results import TurnResult

#: Facts that change what the scorers of targets read.
_TOUCHING: Final = frozenset({EventApplied.TAG, OutcomeApplied.TAG, AttributesChanged.TAG, ResponseEnded.TAG})


def lacks_scores(profile: Profile, targets: Mapping[str, str], now_ms: int) -> bool:
    """Some target (id -> scorer version) has no score of its scorer here, or an old one."""
    for target, version in targets.items():
        score = profile.scores.get(target)
        if score is None or score.version != version or now_ms - score.at_ms >= limits.SCORES_OLD_MS:
            return True
    return False


def may_be_stale(profile: Profile, targets: Mapping[str, str], now_ms: int) -> bool:
    """It lacks scores, or there were facts since they were written, of whatever kind."""
    newest_ms = max((profile.scores[target].at_ms for target in targets if target in profile.scores), default=0)
    return lacks_scores(profile, targets, now_ms) or profile.last_ms > newest_ms


class StaleScores:
    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        #: Customer -> when it was marked (s), oldest first.
        self._marks: dict[bytes, float] = {}
        #: Likewise: whom a scorer owes an answer. Marked again when it is asked again.
        self._owed: dict[bytes, float] = {}
        self._sweep: deque[bytes] = deque()
        #: Called when there is something to do again.
        self.wake: Callable[[], None] = _nobody

    def __len__(self) -> int:
        return len(self._marks)

    @property
    def is_sweeping(self) -> bool:
        return bool(self._sweep)

    @property
    def pending(self) -> int:
        """Customers whose refresh waits."""
        return len(self._marks.keys() | self._owed.keys())

    @property
    def age_s(self) -> float:
        """How long the one that waits longest has waited; 0 when nobody does."""
        now_s = self._monotonic()
        return now_s - min(chain(self._marks.values(), self._owed.values()), default=now_s)

    def note(self, result: TurnResult, targets: Mapping[str, str]) -> None:
        """A turn is durable: mark whom it touched. Costs nothing while no target has a scorer."""
        if result.shard_facts:
            self.wake()
        if not targets:
            return
        for segment in result.segments:
            customer, touched = segment.customer, not _TOUCHING.isdisjoint(segment.public["k"])
            profile = result.profiles.get(customer)
            if profile is None:
                self._marks.pop(customer, None)
                self._owed.pop(customer, None)
            elif touched or (customer not in self._owed and lacks_scores(profile, targets, result.now_ms)):
                self.mark(customer)

    def mark(self, customer: bytes, since_s: float | None = None) -> None:
        """``since_s``: of an earlier mark that is not done."""
        if customer in self._marks or len(self._marks) >= limits.SCORES_PENDING_MAX:
            return
        self._marks[customer] = self._monotonic() if since_s is None else since_s
        self.wake()

    def owe(self, customers: Mapping[bytes, float]) -> None:
        """These got no answer; with when they were marked."""
        for customer, since_s in customers.items():
            if len(self._owed) < limits.SCORES_PENDING_MAX:
                self._owed.setdefault(customer, since_s)

    def call_in(self) -> None:
        """Mark again whom an answer is owed: they come after those who are marked."""
        owed, self._owed = self._owed, {}
        for customer, since_s in owed.items():
            self.mark(customer, since_s)

    def forget(self) -> None:
        """No target has a scorer any more."""
        self._marks, self._owed, self._sweep = {}, {}, deque()

    def sweep(self, customers: Iterable[bytes]) -> None:
        """Look at all of these, in place of what is left of an earlier sweep."""
        self._sweep = deque(customers)
        if self._sweep:
            self.wake()

    def take(self, count: int) -> dict[bytes, float]:
        """The oldest marks, at most ``count``, which are none any more."""
        return {customer: self._marks.pop(customer) for customer in list(islice(self._marks, count))}

    def take_swept(self, count: int) -> list[bytes]:
        """The next of the sweep."""
        return [self._sweep.popleft() for _ in range(min(count, len(self._sweep)))]


def _nobody() -> None:
    """Nobody waits for marks yet."""
