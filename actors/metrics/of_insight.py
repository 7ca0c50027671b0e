"""What Insight tells of itself."""

from __future__ import annotations

from typing import Final

from actors.metrics.family import by_name, counter, gauge

BEHIND: Final = gauge("kairos_insight_behind_rows", "Rows of shards that it has heard of and not read yet")
AGE: Final = gauge(
    "kairos_insight_age_seconds", "Since it last read the journals of all shards that it reaches to their ends"
)
REACHED: Final = gauge("kairos_insight_shards_reached", "Shards that answered it within the last seconds")
DECISIONS: Final = counter("kairos_insight_decisions", "Decisions that it has counted since it started")
SNAPSHOT_AGE: Final = gauge(
    "kairos_insight_snapshot_age_seconds", "Since all that it had counted was last kept, or the start"
)
SNAPSHOT_BYTES: Final = gauge(
    "kairos_insight_snapshot_bytes", "Size of the snapshot that it kept or found last; 0 without any"
)
WHAT_IFS: Final = counter("kairos_what_ifs", "What-ifs that were begun")
WHAT_IFS_REFUSED: Final = counter("kairos_what_ifs_refused", "What-ifs refused: too many were under way")
WHAT_IFS_RUNNING: Final = gauge("kairos_what_ifs_running", "What-ifs that are under way")

INSIGHT: Final = by_name((
    BEHIND, AGE, REACHED, DECISIONS, SNAPSHOT_AGE, SNAPSHOT_BYTES, WHAT_IFS, WHAT_IFS_REFUSED, WHAT_IFS_RUNNING,
))
