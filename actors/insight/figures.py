"""What Insight tells of itself, for the metrics."""

from __future__ import annotations

from actors.insight import telling as answers
from actors.insight.counting import Counting
from actors.insight.what_if import WhatIf
from actors.metrics import of_insight as families
from actors.metrics.told import Telling, Told
from models import limits


def figures(
    counting: Counting, telling: answers.Telling, trying: WhatIf, kept_s: float, kept_bytes: int, now_ms: int,
) -> Told:
    """``kept_s``: since all that was counted was kept; ``kept_bytes``: in so many. ``now_ms``: monotonic."""
    standings = counting.standings.values()
    found = Telling()
    found.number(families.BEHIND, sum(max(0, one.newest - one.seq) for one in standings))
    found.number(families.AGE, telling.age_ms() / limits.SECOND_MS)
    found.number(families.REACHED, sum(telling.is_reached(one, now_ms) for one in standings))
    found.number(families.DECISIONS, counting.decisions)
    found.number(families.SNAPSHOT_AGE, kept_s)
    found.number(families.SNAPSHOT_BYTES, kept_bytes)
    found.number(families.WHAT_IFS, trying.begun)
    found.number(families.WHAT_IFS_REFUSED, trying.refused)
    found.number(families.WHAT_IFS_RUNNING, trying.under_way)
    return found.told
