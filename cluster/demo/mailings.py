"""Old mailings as rows to learn from: features as of each mailing, by the code that serves decisions.

One row per (household, campaign) that was sent; the label is a redemption within the campaign's days, final when the
campaign has closed. A campaign that ended before the cut-off may train, one that began after it may judge; what lies
across the cut-off does neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from cluster.demo.journey import Campaign, Household, Journey
from models.catalog.plan import Plan
from models.profile import features
from models.profile.apply import apply
from models.profile.facts import AttributesChanged, Born, EventApplied
from models.profile.state import Profile
from models.scoring.matrix import Layout, Matrix


def ended_before(journey: Journey, cut_off_ms: int) -> list[Campaign]:
    """The campaigns that may train."""
    return [one for one in journey.campaigns.values() if one.closed_ms <= cut_off_ms]


def begun_after(journey: Journey, cut_off_ms: int) -> list[Campaign]:
    """The campaigns that may judge: those that also ended within the year, so that no redemption is unseen."""
    every = journey.campaigns.values()
    return [one for one in every if one.mailed_ms >= cut_off_ms and one.closed_ms <= journey.last_ms]


def mailing_columns(
    journey: Journey, plan: Plan, wanted: Sequence[str], campaigns: Iterable[Campaign],
    on_household: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """The rows of some campaigns, in the form of ``models.scoring.rows``."""
    layout = Layout(wanted, plan)
    among = {one.id: one for one in campaigns if one.mailed_ms > journey.first_ms}
    found: list[tuple[Campaign, int, Matrix]] = []
    for home in journey.households.values():
        found += _mailings_of(home, [among[one] for one in home.campaigns if one in among], layout, plan)
        on_household()
    matrix = np.concatenate([row for _, _, row in found])
    columns: dict[str, Any] = {
        "time_ms": np.array([one.mailed_ms for one, _, _ in found], np.int64),
        "action": [one.action for one, _, _ in found],
        "label": np.array([label for _, label, _ in found], np.uint8),
        "label_time_ms": np.array([one.closed_ms for one, _, _ in found], np.int64),
    }
    return columns | {name: matrix[:, place] for place, name in enumerate(wanted)}


def _mailings_of(
    home: Household, campaigns: list[Campaign], layout: Layout, plan: Plan
) -> list[tuple[Campaign, int, Matrix]]:
    if not campaigns:
        return []
    no_evidence = np.full(len(plan.actions), np.nan)
    profile: Profile | None = apply(None, Born(home.customer_id), plan, 0)
    profile = apply(profile, AttributesChanged(dict(home.attributes)), plan, 0)
    rows, next_basket = [], 0
    for campaign in sorted(campaigns, key=lambda one: (one.mailed_ms, one.id)):
        while next_basket < len(home.baskets) and home.baskets[next_basket].time_ms <= campaign.mailed_ms:
            basket = home.baskets[next_basket]
            event = EventApplied(f"b-{basket.id}", "basket", basket.time_ms, "pos", basket.properties)
            profile = apply(profile, event, plan, basket.time_ms)
            next_basket += 1
        record = features.read(profile, plan, campaign.mailed_ms).record()
        vector = layout.customer_vector(record, "email", campaign.mailed_ms)
        index = np.array([plan.action_index[campaign.action]], np.uint16)
        rows.append((campaign, int(campaign.id in home.redeemed_ms), layout.rows(vector, index, no_evidence)))
    return rows
