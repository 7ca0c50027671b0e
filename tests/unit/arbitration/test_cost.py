"""A decision costs what survives, not what the catalog holds: counted in calls, so that no clock is needed."""

from __future__ import annotations

import sys
from typing import Any

LIVE = 8


def calls_of_a_decision(scene: Any) -> int:
    """Python and C calls of one decision that is not the first of its plan."""
    scene.shown("web", {"top": 3})
    count = 0

    def counted(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    scene.now_ms += 1
    sys.setprofile(counted)
    try:
        shown = scene.shown("web", {"top": 3})
    finally:
        sys.setprofile(None)
    assert len(shown) == 3
    return count


def scene_with(make_plan: Any, scene_of: Any, actions: int) -> Any:
    """``LIVE`` eligible actions among ``actions``, each with a policy of its own, and a ledger of some of the live."""
    catalog = [
        {
            "id": f"a{number:04d}",
            "eligibility": "true" if number < LIVE else f"has(profile.age) && profile.age == {number}.0",
            "treatments": [{"id": f"t{number}", "placement": "top", "content": {}}],
        } for number in range(actions)
    ]
    policies = [
        {"id": f"p{number}", "scope": {"action": f"a{number:04d}"}, "limit": 2 if number % 2 else 3, "window": "7d"}
        for number in range(min(actions, 400))
    ]
    scene = scene_of(make_plan(
        catalog, attributes=[{"id": "age", "type": "number"}], contact_policies=policies,
    ))
    for number in range(12):
        scene.contact(f"a{number % 6:04d}", f"t{number % 6}", scene.now_ms - number * 60_000 - 3_600_000)
    return scene


def test_a_hundred_times_the_catalog_costs_less_than_twice(make_plan: Any, scene_of: Any) -> None:
    small = calls_of_a_decision(scene_with(make_plan, scene_of, 12))
    large = calls_of_a_decision(scene_with(make_plan, scene_of, 1_200))
    assert large < 2 * small
