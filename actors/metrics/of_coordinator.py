"""What the coordinator tells of itself."""

from __future__ import annotations

from typing import Final

from actors.metrics.family import by_name, counter, gauge, histogram

EPOCH: Final = gauge("kairos_coordinator_epoch", "The epoch that it owns its journal by; it grows with every start")
REPORTS: Final = counter("kairos_coordinator_reports", "Reports of shards answered")
LIVE: Final = gauge("kairos_coordinator_live_shards", "Shards that reported within the last seconds")
COMMIT: Final = histogram("kairos_coordinator_commit_seconds", "From a command's facts until they are durable")
GRANTS: Final = counter("kairos_escrow_grants", "Grants of budget units to shards")
RETURNS: Final = counter("kairos_escrow_returns", "Returns of budget units by shards")
RECALLS: Final = counter("kairos_escrow_recalls", "Recalls of idle budget units")
CATALOGS: Final = counter("kairos_catalogs_published", "Catalogs published")
EXPERIMENTS: Final = gauge("kairos_experiments_running", "Experiments of the live catalog")
ALARMING: Final = gauge(
    "kairos_experiments_alarming", "Of these, whose customers do not fall into the variants as the weights say"
)

COORDINATOR: Final = by_name(
    (EPOCH, REPORTS, LIVE, COMMIT, GRANTS, RETURNS, RECALLS, CATALOGS, EXPERIMENTS, ALARMING)
)
