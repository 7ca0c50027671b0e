"""Facts change a profile: the only mutator of ``Profile`` (called by the turn, by replay and by audit)."""

from __future__ import annotations

from models.catalog.plan import Plan
from models.profile.facts import Fact
from models.profile.state import Profile


def apply(profile: Profile | None, fact: Fact, plan: Plan, now_ms: int) -> Profile:
    """Apply ``fact`` to a draft and return it. ``Born`` makes one; ``Erased`` returns the tombstone."""
    raise NotImplementedError
