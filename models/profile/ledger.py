"""The contact ledger: bounded, oldest decision first (called by ``apply``; its readers by the turn and arbitration).

A hold is open over [decided, hold_expires + grace). A confirmed contact's response window runs from its confirmation
for ``accept_within_ms``. An entry may be forgotten when neither can change any more, no units are held, and the
longest contact policy (at least ``limits.LEDGER_KEPT_MS_MIN``) has passed since its last relevant instant. A ledger
that is full of what is still needed refuses new holds; it never forgets. Finding an entry walks from the newest.
"""

from __future__ import annotations

from typing import Final

from models import limits
from models.catalog.plan import Plan
from models.profile.state import BUDGET_HELD, CONFIRMED, FALLBACK, HELD, Contact, Profile

#: Outcome types that answer a contact: with one of these its response window does not end in silence.
RESPONSES = frozenset({"click", "accept", "convert", "reject", "dismiss", "complain"})
#: So many entries are within and not near any bound, whatever their states.
_SURELY_FITTING: Final = min(
    limits.FALLBACKS_PER_CUSTOMER_MAX, limits.CONTACTS_PER_CUSTOMER_MAX - limits.PLACEMENTS_PER_DECISION_MAX
)


def hold_end_ms(contact: Contact) -> int:
    """When a hold that nobody confirms is released by time alone."""
    return contact.hold_expires_ms + limits.HOLD_GRACE_MS


def response_end_ms(contact: Contact) -> int:
    """When the response window of a confirmed contact ends."""
    return contact.confirmed_ms + contact.accept_within_ms


def is_open(contact: Contact, now_ms: int) -> bool:
    """A hold that counts at ``now_ms``."""
    return contact.state == HELD and contact.decided_ms <= now_ms < hold_end_ms(contact)


def answered(contact: Contact) -> bool:
    """Whether any positive or negative outcome came."""
    return any(type_ in RESPONSES for type_, _ in contact.outcomes)


def holds_units(contact: Contact) -> bool:
    return any(use[4] == BUDGET_HELD for use in contact.budgets)


def timer_ms(contact: Contact) -> int:
    """When time alone acts on an entry; 0 when it never will."""
    if contact.state == HELD:
        return hold_end_ms(contact)
    if contact.state == CONFIRMED and not contact.ended:
        return response_end_ms(contact)
    return 0


def add(profile: Profile, contact: Contact) -> None:
    """Append an entry, at its place by decision time (equal times: after)."""
    ledger = profile.ledger
    at = len(ledger)
    while at and ledger[at - 1].decided_ms > contact.decided_ms:
        at -= 1
    ledger.insert(at, contact)
    _set_timer(profile, contact)


def find(profile: Profile, decision_id: str, action: str) -> Contact | None:
    for contact in reversed(profile.ledger):
        if contact.decision_id == decision_id and contact.action == action:
            return contact
    return None


def replace(profile: Profile, contact: Contact) -> None:
    """Put ``contact`` in the place of the entry with its decision and action; without one, nothing happens."""
    ledger = profile.ledger
    for at in range(len(ledger) - 1, -1, -1):
        if ledger[at].decision_id == contact.decision_id and ledger[at].action == contact.action:
            ledger[at] = contact
            _set_timer(profile, contact)
            return


def newest_open(profile: Profile, action: str, now_ms: int) -> Contact | None:
    """The newest contact of ``action`` whose response window is open; else its newest open hold (which an outcome
    confirms); else None."""
    hold = None
    for contact in reversed(profile.ledger):
        if contact.action != action:
            continue
        if contact.state == CONFIRMED and not contact.ended and now_ms < response_end_ms(contact):
            return contact
        if hold is None and is_open(contact, now_ms):
            hold = contact
    return hold


def has_room(profile: Profile, plan: Plan, now_ms: int, wanted: int = 1) -> bool:
    """Whether ``wanted`` more holds fit beside what must be kept."""
    room = limits.CONTACTS_PER_CUSTOMER_MAX - wanted
    if len(profile.ledger) <= room:
        return True
    return sum(c.state != FALLBACK and _needed(c, plan, now_ms) for c in profile.ledger) <= room


def prune(profile: Profile, plan: Plan, now_ms: int) -> None:
    """Forget what is not needed any more, and the oldest fallbacks beyond their bound.

    A full pass only when the oldest entry can go or when a bound is near, so that a decision does not pay for history.
    """
    ledger = profile.ledger
    if 0 < len(ledger) <= _SURELY_FITTING and _needed(ledger[0], plan, now_ms):
        return
    fallbacks = sum(contact.state == FALLBACK for contact in ledger)
    spare = max(0, fallbacks - limits.FALLBACKS_PER_CUSTOMER_MAX)
    full = len(ledger) - fallbacks > limits.CONTACTS_PER_CUSTOMER_MAX - limits.PLACEMENTS_PER_DECISION_MAX
    if not ledger or (not spare and not full and _needed(ledger[0], plan, now_ms)):
        return
    kept: list[Contact] = []
    for contact in ledger:
        if contact.state == FALLBACK and spare:
            spare -= 1
        elif _needed(contact, plan, now_ms):
            kept.append(contact)
    profile.ledger = kept


def _needed(contact: Contact, plan: Plan, now_ms: int) -> bool:
    if timer_ms(contact) or holds_units(contact):
        return True
    last_ms = max(contact.decided_ms, contact.hold_expires_ms)
    if contact.state == CONFIRMED:
        last_ms = max(last_ms, response_end_ms(contact))
    if contact.outcomes:
        last_ms = max(last_ms, contact.outcomes[-1][1])
    return now_ms < last_ms + max(plan.policy_window_ms, limits.LEDGER_KEPT_MS_MIN)


def _set_timer(profile: Profile, contact: Contact) -> None:
    key = (contact.decision_id, contact.action)
    due_ms = timer_ms(contact)
    if due_ms:
        profile.timers[key] = due_ms
    else:
        profile.timers.pop(key, None)
