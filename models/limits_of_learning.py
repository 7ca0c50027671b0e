"""Bounds of scoring, training, evaluation and monitoring; read as ``models.limits``."""

from typing import Final

from models.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

# Scoring and training.
#: Settings of arbitration (the catalog's own and those of experiments) whose arrays are kept per plan.
ARBITRATIONS_KEPT_MAX: Final = 32
#: How long a shard that is to adopt another scorer waits until that is loaded, before it asks for its roles again.
SCORER_WARM_WAIT_MS_MAX: Final = 10 * SECOND_MS
#: Scorers with a role at once (champion, canary, shadows, those of experiments and targets), and champions of before
#: that a roll-back can reach.
ROLES_MAX: Final = 32
SHADOWS_MAX: Final = 4
#: Decisions of a shard that wait for its shadows, beyond which they go without; how long a shadow is waited for.
SHADOW_QUEUED_MAX: Final = 4_096
SHADOW_WAIT_MS_MAX: Final = SECOND_MS
CHAMPIONS_KEPT_MAX: Final = 16
#: Scorers that a process keeps in memory: every role's, and a few of before for explanations.
SCORERS_LOADED_MAX: Final = ROLES_MAX + 4
SCORER_BATCH_MAX: Final = 64
SCORER_ONGOING_MAX: Final = 128
SCORER_QUEUED_MAX: Final = 512
#: Scores of targets: within which time after an event they are refreshed under normal load; how long marks gather
#: before they are worked on together; how old a score gets before it is looked at anew without any event.
SCORES_STALE_MS: Final = 5 * SECOND_MS
SCORES_GATHER_MS: Final = 250
SCORES_OLD_MS: Final = DAY_MS
#: Customers whose scores are refreshed together, and customers marked for it; others are found by the daily look.
SCORES_BATCH: Final = 64
SCORES_ROWS_AT_ONCE: Final = 256
SCORES_PENDING_MAX: Final = 65_536
#: How long one answer of a scorer is waited for: no decision waits meanwhile.
SCORES_WAIT_MS_MAX: Final = 2 * SECOND_MS
#: Decimals of a chance, significant digits of a number: a change beyond them is none.
SCORE_DIGITS: Final = 4
#: Features named per candidate, and candidates of a request that are explained: a row costs about a millisecond.
TOP_FEATURES_MAX: Final = 5
EXPLAINED_ROWS_MAX: Final = 64
#: How long an explanation of a past decision waits for the scorer.
EXPLANATION_SCORER_WAIT_MS: Final = SECOND_MS
TRAINING_ROWS_MIN: Final = 100
#: To learn a target: a customer is looked at this often (or four times within the target's window, if that is more
#: often), and of so many looks the newest are kept.
SNAPSHOT_EVERY_MS_MIN: Final = HOUR_MS
SNAPSHOT_EVERY_MS_MAX: Final = 7 * DAY_MS
SNAPSHOTS_PER_CUSTOMER_MAX: Final = 64
#: How long after the end of its response window an item waits for reports that come late (they say when it happened)
#: before it is handed out as a row and forgotten.
LABEL_LATE_MS: Final = 7 * DAY_MS
#: Rows that an export holds before it writes them as one row group, and rows of a file of a folder.
EXPORT_GROUP_ROWS: Final = 16_384
EXPORT_FILE_ROWS: Final = 16 * EXPORT_GROUP_ROWS
#: Rows that training on a Ray cluster draws to select features, calibrate and judge by; all of them where there are
#: fewer. Rows that a worker takes at once.
TRAINING_SAMPLE_ROWS: Final = 1_000_000
TRAINING_BATCH_ROWS: Final = 16_384
#: Numbers of a part (rows times features) that a worker holds in memory as quantiles, a byte or two each; those of a
#: larger one lie on its disk.
TRAINING_NUMBERS_IN_MEMORY: Final = 2**28
#: Ranges in which a pass over all rows counts instants, when it looks for a boundary of the split.
TRAINING_INSTANT_RANGES: Final = 2**16
TRAINING_ROUNDS_MAX: Final = 400
TRAINING_PATIENCE_ROUNDS: Final = 30
#: Corners of an isotonic calibration, and bins of a feature's reference histogram.
CALIBRATION_POINTS_MAX: Final = 512
REFERENCE_BINS_MAX: Final = 10
#: Rows of either kind below which nothing is calibrated, and below which no isotonic curve is drawn.
CALIBRATION_ROWS_MIN: Final = 10
CALIBRATION_ISOTONIC_ROWS_MIN: Final = 300
#: Rows of either kind that are enough to calibrate: so few are kept from the trees, and at most the holdout.
CALIBRATION_SLICE_KIND_ROWS: Final = 1_000
#: Rows of either kind, per feature that train and in all that validate, below which no feature is weighed.
SELECTION_KIND_ROWS_PER_FEATURE: Final = 10
SELECTION_KIND_ROWS_MIN: Final = 100
#: Evenly spaced rows that are enough to weigh features against each other (of those that train, and of those that
#: validate), and to describe how one is spread.
SELECTION_ROWS_MAX: Final = 50_000
#: Rows that train up to which features are weighed by as many rounds as score.
SELECTION_FINE_ROWS_MAX: Final = 5_000
REFERENCE_ROWS_MAX: Final = 100_000
#: Actions, and rows of one table, that a training report lists; the ones with the most rows.
REPORT_ROWS_MAX: Final = 200
#: The latest instant that a row may bear (the year 9999): microseconds and nanoseconds are told from milliseconds.
ROW_TIME_MS_MAX: Final = 253_402_300_799_999
ROW_NUMBER_ABS_MAX: Final = 1e15

# Off-policy evaluation.
#: Below either, a log cannot carry an answer.
EVALUATION_ESS_MIN: Final = 50
EVALUATION_ESS_SHARE_MIN: Final = 0.01
#: Below either, an answer stands on little.
EVALUATION_ESS_WEAK: Final = 200
EVALUATION_ESS_SHARE_WEAK: Final = 0.05
#: One position with more of all weight than this decides too much.
EVALUATION_WEIGHT_SHARE_WEAK: Final = 0.1
#: How many standard errors the mean weight may be from what it must be when the probabilities are right.
EVALUATION_MEAN_WEIGHT_SE_MAX: Final = 4.0
#: Of a policy's choices, those that the log never shows anywhere: above this share nothing can be said; and those that
#: it never shows at that rank: above this share little.
EVALUATION_NEVER_LOGGED_MAX: Final = 0.01
EVALUATION_NEVER_AT_RANK_WEAK: Final = 0.05
#: How far the probabilities of a position may be from 1 in sum: rounding of what somebody wrote down.
EVALUATION_SUM_TOLERANCE: Final = 1e-3
EVALUATION_EXAMPLES_MAX: Final = 3
EVALUATION_FOLDS: Final = 10
EVALUATION_TREES_MAX: Final = 400
EVALUATION_PATIENCE_TREES: Final = 20
#: Actions that have a column of their own, values of a context column likewise.
EVALUATION_ONE_HOT_MAX: Final = 64
EVALUATION_CATEGORIES_MAX: Final = 16
#: Positions that an action's mean reward weighs as before its own are counted.
EVALUATION_ACTION_STRENGTH: Final = 20.0
#: A larger reward is a mistake, or would leave no digits for the others.
EVALUATION_REWARD_ABS_MAX: Final = 1e15
#: Positions from which on the trees grow on several cores; with fewer the cores wait for each other.
EVALUATION_THREADED_POSITIONS: Final = 100_000
#: Rows that are predicted at once; rounds on which the models of all folds are compared.
EVALUATION_ROWS_AT_ONCE: Final = 131_072
EVALUATION_JACKKNIFE_ROUNDS: Final = 2_000
#: Decisions of a journal that are evaluated at most, a kilobyte or two each: a sample by hash of more.
EVALUATION_DECISIONS_MAX: Final = 100_000

# Monitoring of scorers: labels and shown rows by scorer, action and channel, in buckets of a day.
MONITOR_DAYS: Final = 7
#: Pairs of action and channel that a scorer's labels are kept apart by, and its rows; what is beyond goes together.
MONITOR_KEYS_MAX: Final = 64
MONITOR_SPREAD_KEYS_MAX: Final = 32
MONITOR_SCORERS_MAX: Final = 8
#: Shown rows of a shard that are looked at in a second, and labels that wait to be counted.
MONITOR_ROWS_PER_S_MAX: Final = 200
MONITOR_LABELS_QUEUED_MAX: Final = 10_000
#: Shown items whose shadow scores wait for their label, and how long at most.
MONITOR_SHADOWED_MAX: Final = 20_000
MONITOR_SHADOWED_MS: Final = 14 * DAY_MS
#: How often what waits is counted, and what was counted is kept; how many of the worst a report names, and a metric.
MONITOR_COUNT_MS: Final = SECOND_MS
MONITOR_SAVE_MS: Final = MINUTE_MS
MONITOR_WORST_MAX: Final = 5
MONITOR_FEATURES_TOLD_MAX: Final = 16

assert SCORES_GATHER_MS + SCORES_WAIT_MS_MAX < SCORES_STALE_MS < SCORES_OLD_MS
