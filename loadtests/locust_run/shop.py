"""The catalog of an installation that a load test starts for itself: the demo's real campaigns, in every channel, now.

Its promises are tight and short (seconds and minutes), so that within a run of a minute caps bind, rests end, holds
expire and windows roll many times.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from cluster.demo import stages
from cluster.demo.catalog import demo_catalog
from cluster.demo.journey import Household, Journey

#: What nobody runs dry, and what a flash sale does within seconds.
_AMPLE: Final = 1_000_000_000
_FLASH: Final = 60

_CHANNELS: Final = (
    {"id": "web", "direction": "inbound", "hold_ttl": "30s"}, {"id": "app", "direction": "inbound", "hold_ttl": "30s"},
    {"id": "call_centre", "direction": "inbound", "hold_ttl": "60s"},
    {"id": "push", "direction": "outbound", "consent": "marketing", "hold_ttl": "60s"},
)
#: Placement -> its channel, how many items it takes, and its fallback.
_PLACEMENTS: Final = (
    {"id": "home_hero", "channel": "web", "fallback": ["thank_you_home_hero"]},
    {"id": "home_strip", "channel": "web", "count_max": 3}, {"id": "app_card", "channel": "app"},
    {"id": "agent_script", "channel": "call_centre", "count_max": 2}, {"id": "push_message", "channel": "push"},
)
_POLICIES: Final = (
    {"id": "web_pace", "scope": {"channel": "web"}, "limit": 20, "window": "60s"},
    {"id": "app_pace", "scope": {"channel": "app"}, "limit": 10, "window": "30s"},
    {"id": "outbound_pace", "scope": {"direction": "outbound"}, "limit": 3, "window": "5m"},
    {"id": "one_push", "scope": {"channel": "push"}, "limit": 1, "window": "20s"},
    {"id": "not_the_same_again", "scope": {"issue": "grow"}, "limit": 4, "window": "30s", "per": "action"},
    {"id": "taken_is_taken", "scope": {"issue": "grow"}, "after": {"outcome": "accept", "count": 1}, "rest": "20s",
     "per": "action"},
    {"id": "took_no", "scope": {"issue": "grow"}, "after": {"outcome": "dismiss", "count": 2, "window": "30s"},
     "rest": "15s", "per": "group"},
    {"id": "bought_dairy", "scope": {"group": "type_c"}, "after": {"event": "basket",
     "when": "'DAIRY' in event.properties.departments"}, "rest": "5s"},
)


def shop_catalog(journey: Journey, households: Iterable[Household], *, flash: bool) -> dict[str, Any]:
    """Plain data. ``flash``: campaigns have few units, which accepting spends."""
    catalog = demo_catalog(journey, households, stages.CUT_OFF_MS)
    campaigns = [action["id"] for action in catalog["actions"] if not action.get("fallback")]
    for channel in catalog["channels"]:
        channel.pop("quiet_hours", None)
        channel["hold_ttl"] = "60s"
    for action in catalog["actions"]:
        # Every campaign is on, and anybody may get it.
        for name in ("valid", "applicability", "suitability"):
            action.pop(name, None)
        action["treatments"] += _treatments(action)
        if not action.get("fallback"):
            action["accept"] = {"outcome": "accept", "within": "1h"}
    for budget in catalog["budgets"]:
        budget["cap"] = _FLASH if flash and budget["id"] != "letters" else _AMPLE
    catalog["channels"] += _CHANNELS
    catalog["placements"] += _PLACEMENTS
    catalog["contact_policies"] = [
        *_POLICIES, {"id": "not_both", "exclusive": campaigns[:2], "window": "10s"},
        {"id": "never_after", "never": campaigns[2], "after": {"action": campaigns[3]}, "window": "10s"},
    ]
    return {**catalog, "name": "load"}


def _treatments(action: dict[str, Any]) -> list[dict[str, Any]]:
    places = ["home_hero"] if action.get("fallback") else [one["id"] for one in _PLACEMENTS]
    if action["id"] == "weekly_letter":
        return []
    return [
        {"id": f"{action['id']}_{place}", "placement": place, "content": {"title": action["id"], "place": place}}
        for place in places
    ]
