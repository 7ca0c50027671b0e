"""A profile as the contract shows it."""

from __future__ import annotations

from typing import Any

from models.catalog.plan import Plan
from models.profile.state import Profile


def profile_view(profile: Profile, plan: Plan, now_ms: int) -> dict[str, Any]:
    """The body of ``GET /v1/customers/{id}``."""
    raise NotImplementedError
