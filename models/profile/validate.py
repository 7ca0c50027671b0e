"""Invariants of a profile, recomputed from scratch."""

from __future__ import annotations

from models.catalog.plan import Plan
from models.profile.state import Profile


def validate(profile: Profile, plan: Plan, now_ms: int) -> None:
    """Raises ``InvariantBroken`` naming what is inconsistent."""
    raise NotImplementedError
