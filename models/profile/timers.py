"""What time alone does to a customer: holds that nobody confirmed, response windows and observations that end (called
by the turn)."""

from __future__ import annotations

from models.profile import exposures, ledger
from models.profile.facts import Fact, HoldExpired, ResponseEnded
from models.profile.state import HELD, Contact, Profile


def next_due(profile: Profile) -> int:
    """The earliest timer (ms), 0 for none."""
    return min(profile.timers.values(), default=0)


def due_facts(profile: Profile, now_ms: int) -> list[Fact]:
    """Every timer due at ``now_ms``, in due order, as facts to apply one by one. Changes nothing.

    Of timers due at the same instant the older decision's is first, then the order is that of the ledger; observations
    end after both.
    """
    if next_due(profile) > now_ms or not profile.timers:
        return []
    due: list[tuple[int, Fact]] = []
    for contact in profile.ledger:
        due_ms = ledger.timer_ms(contact)
        if 0 < due_ms <= now_ms:
            due.append((due_ms, _fact(contact)))
    due += exposures.due(profile, now_ms)
    return [fact for _, fact in sorted(due, key=lambda entry: entry[0])]


def _fact(contact: Contact) -> Fact:
    if contact.state == HELD:
        return HoldExpired(contact.decision_id, contact.action)
    return ResponseEnded(
        contact.decision_id,
        contact.action,
        silent=not ledger.answered(contact),
        ended_ms=ledger.response_end_ms(contact),
        budget_released=ledger.holds_units(contact),
    )
