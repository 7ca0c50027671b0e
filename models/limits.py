"""Every bound of Kairos in one place, units in the names, relations asserted at import.

Those of learning, as many again, stand in a file of their own; whoever reads a bound reads it here.
"""

from typing import Final

from models.limits_of_console import *
from models.limits_of_insight import *
from models.limits_of_learning import *
from models.limits_of_what_if import *
from models.units import *

# Placement of customers.
SLOTS: Final = 1_024
SHARDS_EMBEDDED: Final = 2
SHARDS_POSTGRESQL: Final = 16
SHARDS_MAX: Final = SLOTS

# Moves of shards between nodes.
MOVES_AT_ONCE_MAX: Final = 1
#: When Ray has said by when a node will be gone.
MOVES_AGAINST_DEADLINE_MAX: Final = 4
#: A standby that has not caught up by then is given up.
MOVE_CATCH_UP_MS_MAX: Final = 10 * MINUTE_MS
#: A standby so many rows behind is near enough: it reads the rest when it begins to serve.
MOVE_LAG_ROWS_MAX: Final = 64
#: A shard whose process lives and does not answer for so long is started elsewhere; the epoch fences the silent one.
SHARD_SILENT_MS_MAX: Final = 15 * SECOND_MS
#: How long one step of a move may take; whoever does not answer is left behind (and fenced).
MOVE_STEP_MS_MAX: Final = 10 * SECOND_MS

# Bodies and batches at the gateway.
BODY_BYTES_MAX: Final = 256 * 1024
BATCH_BODY_BYTES_MAX: Final = 1024 * 1024
BODY_DEPTH_MAX: Final = 32
EVENTS_PER_BATCH_MAX: Final = 500
OUTCOMES_PER_BATCH_MAX: Final = 500
DECISIONS_PER_BATCH_MAX: Final = 100
ID_CHARS_MAX: Final = 200
TEXT_CHARS_MAX: Final = 4_096
ATTRIBUTES_PER_CALL_MAX: Final = 200
CONSENT_PURPOSES_MAX: Final = 50
EXCLUDES_MAX: Final = 1_000
PLACEMENTS_PER_DECISION_MAX: Final = 50
EVENT_PROPERTIES_BYTES_MAX: Final = 32 * 1024
HISTORY_SOURCE_CHARS_MAX: Final = 100
OUTCOME_VALUE_MAX: Final = 1e12
VALIDATION_ERRORS_MAX: Final = 50
KEY_RATE_MAX: Final = 1_000_000
TENANT_CHARS_MAX: Final = 63
KEYS_MAX: Final = 10_000
#: How long the older key of a name lives on after a rotation, and for how long it may.
KEY_OVERLAP_MS_DEFAULT: Final = DAY_MS
KEY_OVERLAP_MS_MAX: Final = 90 * DAY_MS
#: A key that ended so long ago is forgotten at the next change.
DEAD_KEY_KEPT_MS: Final = 90 * DAY_MS
#: How often a gateway looks for changed keys; a revoked one is refused within a second on every gateway.
KEYS_LOOK_MS: Final = 400
#: Keys that were known when the store of keys went away stay valid for so long; then every call is 503.
KEYS_STALE_MS_MAX: Final = MINUTE_MS
#: Callers with a rate of whom a gateway knows what they have used; the one that came first is forgotten for one more.
RATED_CALLERS_MAX: Final = 65_536
#: An issuer's tokens: their length, how many that were verified are remembered, and what clocks may differ.
OIDC_TOKEN_BYTES_MAX: Final = 8 * 1024
OIDC_TOKENS_REMEMBERED: Final = 4_096
OIDC_LEEWAY_MS: Final = 30 * SECOND_MS
#: The issuer's keys: how long until they are fetched again, how long they count while it is away, how often at most
#: it is asked for a key that is not known.
OIDC_KEYS_FRESH_MS: Final = 5 * MINUTE_MS
OIDC_KEYS_STALE_MS_MAX: Final = HOUR_MS
OIDC_KEYS_RETRY_MS: Final = 10 * SECOND_MS
OIDC_KEYS_MAX: Final = 64
OIDC_ANSWER_BYTES_MAX: Final = 256 * 1024
OIDC_WAIT_MS: Final = 3 * SECOND_MS
#: Refusals of as many kinds (call, status, key, tenant, scope, peer) are told apart within a minute.
DENIAL_KINDS_PER_MINUTE_MAX: Final = 64
#: Entries that wait while the store of denials is away; what comes then is only in the log.
DENIALS_UNWRITTEN_MAX: Final = 10_000
#: Per shard: the second call is on its way while the first is worked on, if it is worth a turn of its own.
GATEWAY_CALLS_IN_FLIGHT_MAX: Final = 2
#: What arrives meanwhile makes one large turn, which costs less than two small ones.
GATEWAY_SECOND_CALL_COMMANDS_MIN: Final = 16
#: Path, query and headers together; an id of any length that a body may hold is refused by name, not by the proxy.
REQUEST_HEAD_BYTES_MAX: Final = 131_072
GATEWAY_ONGOING_MAX: Final = 10_000
#: Calls beside the batches, per shard: decisions that may wait for a state version; slow reads.
GATEWAY_PATIENT_CALLS_MAX: Final = 16
#: How much longer than its deadline the gateway waits for the shard's own word on a version that was not reached.
GATEWAY_PATIENT_GRACE_MS: Final = 250
GATEWAY_SLOW_READS_MAX: Final = 8
#: How long a new gateway looks for the shards before it takes requests, the first of which need not wait for that then.
GATEWAY_DIAL_MS_MAX: Final = SECOND_MS
#: Before a lost call is sent again. While no shard serves, the link itself waits for the one that will.
GATEWAY_RETRY_MS_MIN: Final = 10
GATEWAY_RETRY_MS_MAX: Final = 100
CALL_WAIT_MS: Final = 10_000

# The stream. Connections are counted per gateway.
STREAMS_MAX: Final = 1_024
STREAMS_PER_KEY_MAX: Final = 64
#: Frames of one connection that were read and whose answers are not written yet; elements of batches among them.
STREAM_FRAMES_IN_FLIGHT_MAX: Final = 256
STREAM_ITEMS_IN_FLIGHT_MAX: Final = 2_048
STREAM_ID_MAX: Final = 2**64 - 1
#: So much of a frame that cannot be read as a whole is looked at for its id.
STREAM_HEAD_BYTES_MAX: Final = 4_096
#: Frames that are read in one go before others have their turn.
STREAM_FRAMES_PER_STEP: Final = 32
#: How long answers may wait for a client that does not read.
STREAM_UNREAD_MS_MAX: Final = 20 * SECOND_MS
#: How long a stream that ends waits for what is in flight, and for its close frame to be sent.
STREAM_DRAIN_MS_MAX: Final = 750
STREAM_CLOSE_MS_MAX: Final = SECOND_MS
#: An open stream is silent for at most this long: the gateway's server pings it every 20 s.
STREAM_SILENT_MS_MAX: Final = 60 * SECOND_MS

# Links between processes of an installation.
#: More than the largest turn can answer: as many decisions as it may have, each explained over the largest catalog.
LINK_FRAME_BYTES_MAX: Final = 512 * 1024 * 1024
#: Frames of one connection in work; what comes then is not read.
LINK_CALLS_MAX: Final = 256
LINK_UNAUTHENTICATED_MAX: Final = 64
#: To prove who one is; to connect, likewise.
LINK_HANDSHAKE_MS: Final = 1_000
LINK_KEEP_ALIVE_MS: Final = 2_000
#: A peer that is silent for so long is gone.
LINK_SILENCE_MS: Final = 6_000
#: To learn a peer's address: that of a starting shard is told when it serves.
LINK_RESOLVE_MS: Final = 30_000

# Time.
EVENT_LATE_MS_MAX: Final = 7 * DAY_MS
EVENT_AHEAD_MS_MAX: Final = 5 * MINUTE_MS
IDEMPOTENCY_MS: Final = 7 * DAY_MS
DEADLINE_MS_DEFAULT: Final = 1_000
DEADLINE_MS_MIN: Final = 10
DEADLINE_MS_MAX: Final = 10_000
SCORER_WAIT_MS_MAX: Final = 50
HOLD_GRACE_MS: Final = 5 * MINUTE_MS
JOURNAL_RETENTION_MS: Final = 90 * DAY_MS
YEAR_MIN: Final = 1970
YEAR_MAX: Final = 2200

# A customer's state.
CONTACTS_PER_CUSTOMER_MAX: Final = 1_024
FALLBACKS_PER_CUSTOMER_MAX: Final = 64
LEDGER_KEPT_MS_MIN: Final = 30 * DAY_MS
EVENTS_PER_WINDOW_MAX: Final = 256
WINDOW_BUCKETS: Final = 64
DISTINCT_VALUES_MAX: Final = 1_024
#: A larger number in an event's field leaves the event out of the aggregate, as text does.
FIELD_VALUE_ABS_MAX: Final = 10**18
#: Outcomes remembered per contact; impressions and deliveries are forgotten first.
OUTCOMES_PER_CONTACT_MAX: Final = 32
EVENT_MARKS_MAX: Final = 32
#: Sets of values, of those fields that rules read, for which a process remembers what the rules gave.
STANDINGS_KEPT_MAX: Final = 1_024
ATTRIBUTES_PER_CUSTOMER_MAX: Final = 500
ATTRIBUTE_CHARS_MAX: Final = 1_024
#: Experiments that a customer's profile keeps; a customer that has so many enters no other.
EXPERIMENTS_PER_CUSTOMER_MAX: Final = 128
#: What one customer's observation can be worth, in millionths: larger sums count as this much.
EXPERIMENT_VALUE_MICROS_MAX: Final = 10**15

# The catalog.
CATALOG_BYTES_MAX: Final = 1024 * 1024
CATALOG_NODES_MAX: Final = 200_000
CATALOG_ERRORS_MAX: Final = 1_000
RULE_CHARS_MAX: Final = 1_000
RULE_COMPREHENSIONS_MAX: Final = 1
RULE_TRIAL_S: Final = 10.0
RULE_TRIAL_BYTES_MAX: Final = 1024 * 1024 * 1024
RULE_TRIAL_STACK_BYTES: Final = 1024 * 1024
ACTIONS_MAX: Final = 5_000
TREATMENTS_PER_ACTION_MAX: Final = 100
FEATURES_MAX: Final = 500
WINDOW_MS_MAX: Final = 730 * DAY_MS
HOLD_TTL_MS_MAX: Final = 30 * DAY_MS
PLACEMENT_COUNT_MAX: Final = 50
CHANNELS_MAX: Final = 100
PLACEMENTS_MAX: Final = 1_000
SEGMENTS_MAX: Final = 500
TARGETS_MAX: Final = 32
GROUPS_MAX: Final = 1_000
BUDGETS_MAX: Final = 1_000
CONTACT_POLICIES_MAX: Final = 500
TRIGGERS_MAX: Final = 500
FIELD_PATH_PARTS_MAX: Final = 8
EXPERIMENTS_MAX: Final = 100
VARIANTS_MAX: Final = 20
VARIANT_WEIGHT_MAX: Final = 1_000_000
TREATMENT_WEIGHT_MAX: Final = 1_000_000
EXPERIMENT_OBSERVE_MS_MAX: Final = 90 * DAY_MS

# Turns and memory.
TURN_COMMANDS_MAX: Final = 512
#: A turn whose work is likely to take longer than the target takes fewer commands, yet never fewer than the least.
TURN_TARGET_MS: Final = 50
TURN_COMMANDS_MIN: Final = 16
SHARD_QUEUE_MAX: Final = 4_096
#: Commands of the shard itself that a turn with room to spare takes beside those of callers.
LATER_PER_TURN_MAX: Final = 16
#: A turn's look-ups in the store that are done without the way to its thread: some microseconds each.
LOOK_UPS_AT_ONCE_MAX: Final = 96
HOT_PROFILES_DEFAULT: Final = 4_096
RESIDENT_BYTES_DEFAULT: Final = 512 * 1024 * 1024
CHECKPOINT_TURNS: Final = 2_000
#: How often a shard searches all its memory for cyclic garbage, which halts it for a moment.
CHECKPOINTS_PER_FULL_SEARCH: Final = 16
#: Customer segments, and bytes of rows, after which a checkpoint begins early: what a restart has to replay.
CHECKPOINT_SEGMENTS: Final = 16_000
CHECKPOINT_BYTES: Final = 32 * 1024 * 1024
#: Profiles that one background step packs and writes: a few milliseconds.
FLUSH_PROFILES: Final = 16
#: Index entries that one background step writes or forgets.
FLUSH_ENTRIES: Final = 512
#: Idempotency keys of as long a time lie together in the index, and are dropped together.
KEY_PERIOD_MS: Final = 4 * DAY_MS
#: Keys that one background step forgets after a checkpoint.
FORGET_KEYS: Final = 2_048
#: Checkpoints this far apart are kept for audits and explanations.
CHECKPOINT_KEPT_APART_MS: Final = HOUR_MS
#: Most rows that one background step of retention folds and deletes (fewer when they have many customers).
TRUNCATE_ROWS: Final = 64
#: Outcomes of a plan's gates that are kept for the next decision for which the same holds: as many as have this many
#: actions together (about 100 bytes each).
FUNNEL_ACTIONS_KEPT_MAX: Final = 100_000
#: Candidates of a position among which Thompson sampling divides its chance; how many fields' chances are kept, of how
#: many candidates each.
THOMPSON_CONTENDERS_MAX: Final = 64
THOMPSON_FIELDS_KEPT_MAX: Final = 1_024
THOMPSON_FIELD_KEPT_MAX: Final = 256
#: Shapes of requests (channel, placements, counts) of which a plan keeps that they fit it (about 500 bytes each).
SHAPES_KEPT_MAX: Final = 1_024
#: Master keys that one place may hold: the newest, and those that still wrap something.
MASTER_KEYS_MAX: Final = 8
#: Keys of customers held in memory (about 200 bytes each).
KEYS_KNOWN_MAX: Final = 65_536
#: How often a starting shard looks whether the journal's files are free, and how often it says that they are not.
LOCK_RETRY_MS: Final = 200
LOCK_SAID_MS: Final = 10 * SECOND_MS
#: How often a standby looks for new rows, and for what the owner's checkpoints cover.
FOLLOW_MS: Final = 50
FOLLOW_CHECKPOINT_MS: Final = SECOND_MS
#: A released shard that is neither ended nor fenced within this time serves again.
RELEASE_MS_MAX: Final = 3 * SECOND_MS
#: How long a released shard's links stay open for answers that are on their way.
RELEASE_ANSWERS_MS: Final = 20
#: A shard that was superseded and cannot leave Ray in peace within this time ends its process.
RETIRE_MS_MAX: Final = 10 * SECOND_MS
#: Finding who serves a shard: how long a shard is asked to hold its answer until it serves, how long one look waits for
#: those that do not answer (a longer look for a later one is not worth it), and for the names themselves.
DIRECTORY_HOLD_MS: Final = 100
DIRECTORY_LATER_MS: Final = 50
DIRECTORY_ASK_MS_MAX: Final = SECOND_MS
DIRECTORY_NAMES_MS_MAX: Final = SECOND_MS
#: Names that are this old are looked up anew, and a look that found nothing is repeated after as long.
DIRECTORY_FRESH_MS: Final = 20
#: How long a call to a store on another machine is repeated when its connection is lost; then the process leaves.
STORE_AWAY_MS_MAX: Final = 30 * SECOND_MS
#: To connect to it; to have a reply (a halted server keeps its sockets open); how long it may work at a statement; how
#: long a transaction may stay open whose client is silent; after which silence of the network a connection is lost.
STORE_CONNECT_MS_MAX: Final = 3 * SECOND_MS
STORE_REPLY_MS_MAX: Final = 10 * SECOND_MS
STORE_STATEMENT_MS_MAX: Final = 9 * SECOND_MS
STORE_IDLE_TRANSACTION_MS_MAX: Final = 2 * SECOND_MS
STORE_SILENCE_MS_MAX: Final = 5 * SECOND_MS
#: How often a lost connection is tried anew.
STORE_RETRY_MS: Final = 100
#: Rows of the journal that are fetched from it at once.
STORE_PAGE_ROWS: Final = 64
#: Rows that a move, a backup or a restore reads and writes at once.
MOVE_PAGE_ROWS: Final = 200
#: Flushes in a row that need not be on its disk yet.
STORE_UNSETTLED_MAX: Final = 32
#: Timers fired in one turn.
TICKS_PER_TURN_MAX: Final = 256
#: How often a shard looks for due timers of customers that only the store knows.
TIMER_POLL_MS: Final = SECOND_MS
#: How long overdue timers go first after a start; then commands have their turns in between.
OVERDUE_FIRST_MS_MAX: Final = 2 * SECOND_MS
#: Failures in a row after which a scorer's version rests (all of them: the breaker opens), and how often the scorer is
#: probed then, or the version tried.
BREAKER_FAILURES: Final = 3
BREAKER_PROBE_MS: Final = 500
#: The longest wait before a probe, when those before it were answered and the decisions after them were not; and before
#: a version that rests is tried again.
BREAKER_PAUSE_MS_MAX: Final = 8 * SECOND_MS
#: A version that answered within this time shows that the scorer is there, whatever becomes of the others.
SCORER_LATELY_MS: Final = MINUTE_MS
#: Versions whose answers and failures a shard remembers.
SCORERS_STANDING_MAX: Final = 64
SCORER_PROBE_WAIT_MS_MAX: Final = SECOND_MS
#: How often a shard looks for a better place to ask while the scorer answers: new replicas get their share so.
SCORER_LOOK_MS: Final = 5 * SECOND_MS
#: Rows times trees that a shard with the scorer inside scores without leaving its event loop: a millisecond or two.
SCORER_INLINE_VISITS_MAX: Final = 256_000
#: At least this long between two reports, however dry the shard is.
SYNC_GAP_MS: Final = 100
#: How long a shard waits for the coordinator's answer to a report.
SYNC_WAIT_MS_MAX: Final = 5 * SECOND_MS
#: Journal rows that one step of a background read opens.
READ_ROWS: Final = 16
#: Segments that one step of an export opens, and bytes of rows after which a page ends.
READ_SEGMENTS: Final = 128
JOURNAL_PAGE_BYTES: Final = 8 * 1024 * 1024
TIMELINE_ITEMS_MAX: Final = 500
JOURNAL_PAGE_ROWS_MAX: Final = 1_000

# The coordinator.
EVIDENCE_PUBLISH_MS: Final = 5_000
SYNC_INTERVAL_MS: Final = 1_000
CATALOG_ADOPTION_WAIT_MS: Final = 10_000
BUDGET_CAP_MAX: Final = 2**53 - 1
#: A change waits this long for others, so that many outcomes make one evidence version.
EVIDENCE_GATHER_MS: Final = 1_000
#: An outcome reaches every shard's decisions, as evidence, within this: published, then adopted with the next report.
EVIDENCE_STALE_MS: Final = EVIDENCE_PUBLISH_MS + SYNC_INTERVAL_MS
#: A shard that reported within this time is live: its adoption is waited for.
SHARD_LIVE_MS: Final = 5 * SYNC_INTERVAL_MS
#: Idle units are looked for at shards that reported within this time.
DONOR_FRESH_MS: Final = 2_500
#: Units that were just granted are not recalled, so that who asked for them can use them.
GRANT_COOLING_MS: Final = 1_500
#: The next period's units are granted at least this long before it begins.
NEXT_PERIOD_AHEAD_MS: Final = 5_000
#: An ended period without holds is forgotten after this time (more than clocks may differ).
ESCROW_KEPT_MS: Final = 10 * MINUTE_MS
CLOCK_SET_WAIT_MS: Final = 60_000
#: How long a look at the budgets waits for the shards' newest word.
BUDGETS_WAIT_MS: Final = 1_000
COORDINATOR_CHECKPOINT_ROWS: Final = 1_000
#: Rows of the coordinator's journal that stay below its checkpoint, for inspection.
COORDINATOR_ROWS_KEPT: Final = 50_000
#: How long a starting coordinator waits for a dying predecessor to let go of the journal.
TAKE_OVER_WAIT_MS: Final = 60_000

# Logs.
#: Request ids named in a line about many requests.
LOGGED_REQUEST_IDS_MAX: Final = 8
#: Lines of one kind (a call and its status) that a gateway writes in a second; more are counted, not written.
LOGGED_FAILURES_PER_S: Final = 5

#: Objects made and not yet freed before a gateway or scorer looks for cyclic garbage: Python's 700 are a few requests
#: in flight, and a sixth of a gateway's work went into looking at them.
GARBAGE_OBJECTS_MIN: Final = 10_000

# The Python client.
CLIENT_TIMEOUT_MS: Final = 30 * SECOND_MS
CLIENT_FIRST_PAUSE_MS: Final = 50
CLIENT_PAUSE_MS_MAX: Final = 2 * SECOND_MS
#: How long opening a stream may take before it is tried again.
CLIENT_CONNECT_MS: Final = 5 * SECOND_MS
#: How long after its deadline a decision's answer may take on its way.
CLIENT_DEADLINE_GRACE_MS: Final = SECOND_MS
CLIENT_CONNECTIONS_DEFAULT: Final = 16
#: Unanswered frames of one stream.
CLIENT_IN_FLIGHT_DEFAULT: Final = 256
CLIENT_FRAME_BYTES_MAX: Final = 64 * 1024 * 1024
#: A stream that neither answers nor returns a ping for so long is opened anew.
CLIENT_PING_MS: Final = 10 * SECOND_MS
CLIENT_URLS_KEPT_MAX: Final = 256

#: Decimal digits that propensity, priority and probability keep when they are made.
SIGNIFICANT_DIGITS: Final = 9
#: Integer units per 1.0 in window sums.
MICRO: Final = 1_000_000

assert BODY_BYTES_MAX < BATCH_BODY_BYTES_MAX
assert EVENT_LATE_MS_MAX <= IDEMPOTENCY_MS < JOURNAL_RETENTION_MS
assert DEADLINE_MS_MIN < DEADLINE_MS_DEFAULT < DEADLINE_MS_MAX
assert EVENTS_PER_WINDOW_MAX >= WINDOW_BUCKETS
assert EXPERIMENTS_MAX <= EXPERIMENTS_PER_CUSTOMER_MAX
assert EVENT_PROPERTIES_BYTES_MAX < BODY_BYTES_MAX
assert SHARDS_EMBEDDED <= SHARDS_MAX <= SLOTS
assert 2 * LINK_KEEP_ALIVE_MS <= LINK_SILENCE_MS
assert STORE_STATEMENT_MS_MAX < STORE_REPLY_MS_MAX < STORE_AWAY_MS_MAX
#: As msgpack a body takes at most two and a quarter times its JSON (a double of three characters and its comma).
assert 3 * TURN_COMMANDS_MAX * BODY_BYTES_MAX <= LINK_FRAME_BYTES_MAX
assert max(EVENTS_PER_BATCH_MAX, DECISIONS_PER_BATCH_MAX, OUTCOMES_PER_BATCH_MAX) <= STREAM_ITEMS_IN_FLIGHT_MAX
assert CLIENT_IN_FLIGHT_DEFAULT <= STREAM_FRAMES_IN_FLIGHT_MAX
assert DECISIONS_PER_BATCH_MAX <= TURN_COMMANDS_MAX <= SHARD_QUEUE_MAX
assert 2 * EVIDENCE_PUBLISH_MS <= CATALOG_ADOPTION_WAIT_MS
assert EVIDENCE_GATHER_MS + 2 * SYNC_INTERVAL_MS < EVIDENCE_PUBLISH_MS
assert 2 * KEYS_LOOK_MS < SECOND_MS < KEYS_STALE_MS_MAX
assert GRANT_COOLING_MS + 2 * SYNC_INTERVAL_MS < NEXT_PERIOD_AHEAD_MS
assert GATEWAY_RETRY_MS_MIN <= GATEWAY_RETRY_MS_MAX
assert FOLLOW_MS < FOLLOW_CHECKPOINT_MS
assert SCORES_BATCH <= TURN_COMMANDS_MAX
assert RELEASE_ANSWERS_MS < RELEASE_MS_MAX
assert DIRECTORY_LATER_MS < DIRECTORY_HOLD_MS < DIRECTORY_ASK_MS_MAX < LINK_RESOLVE_MS
