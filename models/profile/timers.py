"""What time alone does to a customer: holds that nobody confirmed, response windows that end."""

from __future__ import annotations

from models.profile.facts import Fact
from models.profile.state import Profile


def next_due(profile: Profile) -> int:
    """The earliest timer (ms), 0 for none."""
    raise NotImplementedError


def due_facts(profile: Profile, now_ms: int) -> list[Fact]:
    """Every timer due at ``now_ms``, in due order, as facts to apply one by one. Changes nothing."""
    raise NotImplementedError
