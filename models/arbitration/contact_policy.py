"""Which treatments a customer's contact policies refuse right now (``architecture.md``, Holds).

Every form of policy becomes a ``Tight`` when it refuses something, and costs nothing further when it does not: the
price follows the customer's ledger, not the catalog.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from models import limits
from models.arbitration.holds import Span, last_hold_ms, span_of
from models.arbitration.index import PlanIndex
from models.arbitration.limit import tight_limit
from models.arbitration.rest import tight_rest
from models.arbitration.rivalry import tight_exclusive, tight_never_after
from models.arbitration.tight import Detail, Tight
from models.catalog import rules
from models.catalog.plan import (
    Action,
    Channel,
    ExclusivePolicy,
    LimitPolicy,
    Mask,
    Plan,
    RestPolicy,
    Treatment,
)
from models.profile import ledger
from models.profile.state import FALLBACK, Profile

#: Named as the rule where a full contact ledger refuses, and its place among the policies.
LEDGER_RULE = "ledger"
LEDGER_PLACE = -1


class ContactJudge:
    """The contact policies of one channel over one customer's ledger and over what this decision has placed.

    Reads the profile once, at construction; only ``place`` changes the judge.
    """

    def __init__(
        self, index: PlanIndex, channel: Channel, profile: Profile, now_ms: int, candidates: Mask, positions: int,
    ) -> None:
        """Only policies that can refuse one of ``candidates`` are judged; at most ``positions`` items are placed."""
        self._index = index
        self._channel = channel
        self._now_ms = now_ms
        self._last_ms = last_hold_ms(channel, now_ms)
        self._contacts = tuple([contact for contact in profile.ledger if contact.state != FALLBACK])
        self._marks = {policy: times for policy, times in profile.marks.items() if times}
        #: Of what was placed above; those of the ledger are made when a policy counts them.
        self._placed: list[Span] = []
        self._known_spans: list[Span] | None = None
        self._room = _room(profile, index.plan, now_ms, positions)
        self._candidates = candidates
        #: Place of the policy in the catalog -> what it refuses.
        self._tight: dict[int, Tight] = {}
        if self._marks or len(self._contacts) >= index.refusing_from:
            self._judge(self._touched())

    @property
    def refuses_nothing(self) -> bool:
        """No policy refuses anything, so nobody needs to be asked."""
        return not self._tight and self._room > 0

    def refusal(self, action: Action, treatment: Treatment) -> tuple[str, Detail] | None:
        """(policy id, detail) of the first policy, in catalog order, that refuses a contact now; None if none does."""
        if self._room <= 0:
            return LEDGER_RULE, lambda: f"the contact ledger is full at {limits.CONTACTS_PER_CUSTOMER_MAX} contacts"
        found = self._first(action, treatment)
        return None if found is None else (self._tight[found[0]].policy_id, found[1])

    def refused_by(self, action: Action, treatment: Treatment) -> int | None:
        """``refusal``, with the place of the policy in the catalog alone: ``LEDGER_PLACE`` for the full ledger."""
        if self._room <= 0:
            return LEDGER_PLACE
        found = self._first(action, treatment)
        return None if found is None else found[0]

    def _first(self, action: Action, treatment: Treatment) -> tuple[int, Detail] | None:
        for place in sorted(self._tight):
            detail = self._tight[place].judge(action, treatment)
            if detail is not None:
                return place, detail
        return None

    def placing(self, action: Action, treatment: Treatment) -> ContactJudge:
        """A judge for what comes below this item, which counts as a hold that opens now. This one stays as it is."""
        below = object.__new__(ContactJudge)
        below._index, below._channel = self._index, self._channel
        below._now_ms, below._last_ms = self._now_ms, self._last_ms
        below._contacts, below._marks, below._candidates = self._contacts, self._marks, self._candidates
        below._room = self._room - 1
        below._tight = dict(self._tight)
        below._known_spans = self._known_spans
        below._placed = [*self._placed, Span(
            self._now_ms, self._last_ms, action.id, action.group, action.issue, self._channel.id,
            self._channel.direction, treatment.id, treatment.placement, True,
        )]
        below._judge(self._index.counting(action.id, action.group, action.issue))
        return below

    def _touched(self) -> set[int]:
        """Places of the policies that the ledger, or an event's mark, can make refuse something."""
        index = self._index
        touched: set[int] = set()
        for contact in self._contacts:
            touched |= index.counting(contact.action, contact.group, contact.issue)
        if self._marks:
            touched |= {place for place, policy in enumerate(index.plan.policies) if policy.id in self._marks}
        return touched

    @property
    def _spans(self) -> list[Span]:
        if self._known_spans is None:
            spans = (span_of(contact, self._now_ms) for contact in self._contacts)
            self._known_spans = [span for span in spans if span is not None]
        return [*self._known_spans, *self._placed]

    def _judge(self, places: Iterable[int]) -> None:
        here = self._index.in_channel[self._channel.id]
        for place in places:
            if place in here and self._may_refuse(place):
                tight = self._tighten(place)
                if tight is not None:
                    self._tight[place] = tight

    def _may_refuse(self, place: int) -> bool:
        """Not, when nobody whom it concerns is left, or when all contacts together are below its limit."""
        policy = self._index.plan.policies[place]
        if isinstance(policy, LimitPolicy) and len(self._contacts) + len(self._placed) < policy.limit:
            return False
        return bool((self._index.reach[place] & self._candidates).any())

    def _tighten(self, place: int) -> Tight | None:
        plan, reach = self._index.plan, self._index.reach[place]
        policy = plan.policies[place]
        if isinstance(policy, LimitPolicy):
            return tight_limit(policy, reach, self._spans, self._now_ms, self._last_ms)
        if isinstance(policy, RestPolicy):
            return tight_rest(policy, reach, self._contacts, self._marks.get(policy.id, ()), self._now_ms)
        if isinstance(policy, ExclusivePolicy):
            return tight_exclusive(policy, reach, plan, self._spans, self._now_ms, self._last_ms)
        return tight_never_after(policy, reach, plan, self._spans, self._now_ms)


def nothing_refuses(index: PlanIndex, profile: Profile, positions: int) -> bool:
    """At a glance: no policy, and no full ledger, can refuse any of ``positions`` items. False says nothing."""
    contacts = len(profile.ledger) + positions
    return contacts <= min(index.refusing_from, limits.CONTACTS_PER_CUSTOMER_MAX) and not profile.marks


def _room(profile: Profile, plan: Plan, now_ms: int, positions: int) -> int:
    """How many more contacts the ledger takes; more than ``positions``, thus never used up, when they all fit."""
    if ledger.has_room(profile, plan, now_ms, positions):
        return positions + 1
    fitting = (wanted for wanted in range(positions - 1, 0, -1) if ledger.has_room(profile, plan, now_ms, wanted))
    return next(fitting, 0)


def event_marks(plan: Plan, context: Any, event: Mapping[str, Any]) -> tuple[str, ...]:
    """Ids of the ``after: {event, when}`` policies that this event satisfies, for ``EventApplied.marks``.

    ``context`` is a ``cel.Context`` (``Standing.context``, or a bare one), in which ``event`` is set here; ``event`` is
    the event as rules see it. An erring rule is false.
    """
    waiting = plan.rests_by_event.get(str(event.get("type", "")), ())
    if not waiting:
        return ()
    context.add_variable("event", dict(event))
    return tuple(
        policy.id for policy in waiting if policy.when < 0 or rules.evaluate(plan.rules[policy.when], context)
    )
