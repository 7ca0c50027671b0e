"""What a shard tells of itself. Every family also has the label ``shard``."""

from __future__ import annotations

from typing import Final

from actors.metrics.family import COMMANDS, by_name, counter, gauge, histogram

SERVING: Final = gauge("kairos_shard_serving", "1 while the shard takes commands, 0 while it starts or stands by")
EPOCH: Final = gauge("kairos_shard_epoch", "Its journal's epoch; each take-over fences the one before")
INCARNATION: Final = gauge("kairos_shard_incarnation", "Which incarnation serves; it grows with every move")
ROWS_LAST: Final = gauge("kairos_shard_last_row", "The sequence of its newest row")
DEGRADED: Final = gauge("kairos_scorer_breaker_open", "1 while the shard decides on evidence alone")
BACKLOG: Final = gauge("kairos_shard_backlog_commands", "Commands that wait for a turn")
PARKED: Final = gauge("kairos_shard_parked_commands", "Commands that wait for a version of their customer")
TURN: Final = histogram("kairos_shard_turn_seconds", "From a turn's begin until its answers are given")
STAGE: Final = histogram(
    "kairos_shard_turn_stage_seconds", "A turn's time by stage: prepare, score (the wait), resolve, append", "stage",
)
TURN_COMMANDS: Final = histogram("kairos_shard_turn_commands", "Commands that share a turn", bounds=COMMANDS)
COMMIT: Final = histogram("kairos_journal_commit_seconds", "From handing a turn to the journal until it is durable")
JOURNAL_ROWS: Final = counter("kairos_journal_rows", "Rows appended since the shard started")
JOURNAL_BYTES: Final = counter("kairos_journal_appended_bytes", "Bytes of rows appended since the shard started")
TAIL_ROWS: Final = gauge("kairos_journal_tail_rows", "Rows since the last checkpoint began: what a restart replays")
TAIL_BYTES: Final = gauge("kairos_journal_tail_bytes", "Bytes of rows since the last checkpoint began")
STORE_AWAY: Final = counter("kairos_store_away_seconds", "Time that calls of the journal waited for an absent store")
CHECKPOINTS: Final = counter("kairos_checkpoints", "Checkpoints written")
CHECKPOINT: Final = gauge("kairos_checkpoint_seconds", "How long the last checkpoint took, turns in between included")
CHECKPOINT_AGE: Final = gauge("kairos_checkpoint_age_seconds", "Since the last checkpoint, or the start")
RECOVERY: Final = gauge("kairos_shard_recovery_seconds", "How long the last start took, replay included")
CUSTOMERS: Final = gauge("kairos_customers", "Customers in memory: hot (unpacked) or packed", "state")
RESIDENT_BYTES: Final = gauge("kairos_customers_bytes", "Memory that customers take")
PASSIVATED: Final = counter("kairos_customers_passivated", "Customers that were written out to make room")
TIMERS_LATE: Final = gauge("kairos_timers_overdue_seconds", "How late the earliest timer in memory is; 0 when none is")
TICKS: Final = counter("kairos_timers_fired", "Timers that fired")
SYNC_AGE: Final = gauge("kairos_coordinator_sync_age_seconds", "Since the coordinator last answered, or the start")
DRY: Final = counter("kairos_decisions_dry", "Budget units that decisions wanted and did not have")
COMMANDS_DONE: Final = counter("kairos_shard_commands", "Commands that turns have answered")
FACTS: Final = counter("kairos_facts", "Facts made durable, by kind", "kind")
WAVES: Final = counter("kairos_scorer_waves", "Waves of turns that asked the scorer")
WAVES_DEGRADED: Final = counter("kairos_scorer_waves_degraded", "Waves that went on without its answer")
REFUSED: Final = counter("kairos_shard_refused", "Commands refused, by reason", "reason")
LATE_CONFIRMATIONS: Final = counter("kairos_outcomes_late", "Outcomes that confirmed a hold after its end")
UNFUNDED: Final = counter("kairos_outcomes_unfunded", "Budget units spent by outcomes that nothing was held for")
SCORES_REFRESHED: Final = counter("kairos_scores_refreshed", "Customers whose scores of targets were written anew")
SCORES_FAILED: Final = counter("kairos_scores_failed", "Times that the scorer of a target did not say its numbers")
SCORES_PENDING: Final = gauge("kairos_scores_pending", "Customers whose scores of targets wait for a refresh")
SCORES_AGE: Final = gauge("kairos_scores_pending_seconds", "How long the longest of them has waited; 0 when none does")
LABELS: Final = counter("kairos_monitor_labels", "Shown items whose label was settled and counted")
WATCHED_ROWS: Final = counter("kairos_monitor_rows", "Rows of shown items whose features were looked at: a sample")
SHADOWED: Final = counter("kairos_shadow_decisions", "Decisions that a shadow scored once they were answered")
SHADOW_DROPPED: Final = counter("kairos_shadow_dropped", "Decisions that no shadow scored: too many waited")
SHADOW_FAILED: Final = counter("kairos_shadow_failed", "Decisions that a shadow was asked about in vain")
UNWATCHED: Final = counter("kairos_monitor_dropped", "Labels that were not counted: too many at once, or scorers")
#: Of the last days (``limits.MONITOR_DAYS``); ``action`` and ``channel`` are * beyond the bound.
_WINDOW: Final = ("scorer", "action", "channel")
WINDOW_LABELS: Final = gauge("kairos_window_labels", "Labels of the last days, by who decided", *_WINDOW)
WINDOW_ACCEPTED: Final = gauge("kairos_window_accepted", "Of these, accepted", *_WINDOW)
WINDOW_PREDICTED: Final = gauge("kairos_window_predicted", "Of these, expected to be accepted", *_WINDOW)
WINDOW_LOG_LOSS: Final = gauge("kairos_window_log_loss", "Sum of the log losses of these labels, in nats", *_WINDOW)
DRIFT: Final = gauge(
    "kairos_feature_drift", "Population stability index of a feature over shown rows, less what chance explains",
    "scorer", "feature",
)
DRIFT_MOST: Final = gauge("kairos_feature_drift_most", "The same, of the feature that drifted most", *_WINDOW)

#: By the name of what a shard counts, see ``actors.shard.counters``.
TOTALS: Final = {
    "rows": JOURNAL_ROWS, "row_bytes": JOURNAL_BYTES, "checkpoints": CHECKPOINTS, "passivated": PASSIVATED,
    "ticks": TICKS, "dry": DRY, "commands": COMMANDS_DONE, "waves": WAVES, "waves_degraded": WAVES_DEGRADED,
    "late_confirmations": LATE_CONFIRMATIONS, "unfunded": UNFUNDED, "labels": LABELS,
    "scores_refreshed": SCORES_REFRESHED, "scores_failed": SCORES_FAILED, "watched_rows": WATCHED_ROWS,
    "shadowed": SHADOWED, "shadow_dropped": SHADOW_DROPPED, "shadow_failed": SHADOW_FAILED,
}
#: The same, where the name is a label's value.
FACT_KINDS: Final = ("events", "decisions", "outcomes", "consents", "other_facts")
REASONS: Final = ("expired", "failed", "disk_full", "misfits")

SHARD: Final = by_name((
    SERVING, EPOCH, INCARNATION, ROWS_LAST, DEGRADED, BACKLOG, PARKED, TURN, STAGE, TURN_COMMANDS, COMMIT, TAIL_ROWS,
    TAIL_BYTES, STORE_AWAY, CHECKPOINT, CHECKPOINT_AGE, RECOVERY, CUSTOMERS, RESIDENT_BYTES, TIMERS_LATE, SYNC_AGE,
    FACTS, REFUSED, UNWATCHED, WINDOW_LABELS, WINDOW_ACCEPTED, WINDOW_PREDICTED, WINDOW_LOG_LOSS, DRIFT, DRIFT_MOST,
    SCORES_PENDING, SCORES_AGE,
    *TOTALS.values(),
))
