"""Results of the rules and segments that no request can change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.catalog.plan import Mask, Plan
from models.profile.features import FeatureView
from models.profile.state import Profile


@dataclass(slots=True)
class Standing:
    #: Read-only, over ``plan.rules``; False at dynamic rules.
    results: Mask
    segments: dict[str, bool]
    #: ``cel.Context`` with ``profile`` (the fields that dynamic and weight rules read) and ``segments``.
    context: Any
    #: Rule index -> why its evaluation erred (and counted as false).
    errors: dict[int, str]
    view: FeatureView


def standing(profile: Profile, plan: Plan, now_ms: int) -> Standing:
    raise NotImplementedError
