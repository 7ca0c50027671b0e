"""The contact ledger: bounded, oldest decision first."""

from __future__ import annotations

from models.catalog.plan import Plan
from models.profile.state import Contact, Profile


def add(profile: Profile, contact: Contact) -> None:
    raise NotImplementedError


def find(profile: Profile, decision_id: str, action: str) -> Contact | None:
    raise NotImplementedError


def replace(profile: Profile, contact: Contact) -> None:
    """Put ``contact`` in the place of the entry with its decision and action."""
    raise NotImplementedError


def newest_open(profile: Profile, action: str, now_ms: int) -> Contact | None:
    raise NotImplementedError


def is_open(contact: Contact, now_ms: int) -> bool:
    """A hold that counts at ``now_ms``: [decided, hold_expires + grace)."""
    raise NotImplementedError


def prune(profile: Profile, plan: Plan, now_ms: int) -> None:
    raise NotImplementedError


def has_room(profile: Profile, plan: Plan, now_ms: int, wanted: int = 1) -> bool:
    raise NotImplementedError
