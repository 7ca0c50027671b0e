"""Values of all features of a customer at an instant, recomputed only where they can have changed."""

from __future__ import annotations

from typing import Any

from models.catalog.plan import Plan
from models.profile.state import Profile


class FeatureView:
    """An immutable snapshot. ``values`` in plan order, None = absent."""

    values: list[Any]
    now_ms: int

    def record(self) -> dict[str, Any]:
        """Present features and attributes: what ``profile`` is in rules."""
        raise NotImplementedError


def read(profile: Profile, plan: Plan, now_ms: int) -> FeatureView:
    raise NotImplementedError
