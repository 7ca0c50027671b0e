"""Bounds of Insight; read as ``models.limits``."""

from typing import Final

from models.units import MINUTE_MS, SECOND_MS

# Counts: so many buckets of each size, and one of all that is older.
INSIGHT_MINUTES: Final = 60
INSIGHT_HOURS: Final = 48
INSIGHT_DAYS: Final = 35
#: Pairs of action and channel of one bucket that are counted apart, and pairs of policy (or budget) and channel; what
#: is beyond is counted together.
INSIGHT_CELLS_MAX: Final = 4_096
INSIGHT_RULES_MAX: Final = 2_048
INSIGHT_CHANNELS_MAX: Final = 256
#: Catalogs of which is known what their actions, policies and budgets are called: the newest ones.
INSIGHT_CATALOGS_MAX: Final = 64

# What is only in memory.
#: Decisions that are shown, of how many in a second at most; what one answer tells of them.
INSIGHT_RECENT_MAX: Final = 200
INSIGHT_RECENT_PER_S_MAX: Final = 50
INSIGHT_RECENT_TOLD_MAX: Final = 50
#: Requests that can be asked again: the newest of each channel, none that is larger.
INSIGHT_REQUESTS_PER_CHANNEL_MAX: Final = 200
INSIGHT_REQUEST_CHANNELS_MAX: Final = 32
INSIGHT_REQUEST_BYTES_MAX: Final = 16 * 1024

# Reading the shards.
#: Bytes of its newest rows that a shard keeps at hand.
FEED_RING_BYTES: Final = 8 * 1024 * 1024
FEED_PAGE_ROWS_MAX: Final = 1_000
FEED_PAGE_BYTES: Final = 2 * 1024 * 1024
#: How long a shard holds the answer that there is nothing new, and how long Insight lets new rows gather.
FEED_WAIT_MS: Final = 2 * SECOND_MS
FEED_GATHER_MS: Final = 250
#: A page that is not told within this time is asked for again.
FEED_ANSWER_MS_MAX: Final = 10 * SECOND_MS
#: A shard that cannot be reached is tried again after as long; one that answered within this time counts as reached.
FEED_RETRY_MS: Final = 500
FEED_REACHED_MS: Final = 5 * SECOND_MS
#: Rows before the snapshot that are looked at for recent decisions at a start.
FEED_REFILL_ROWS: Final = 200
#: Decisions that are counted before others are let in.
INSIGHT_STEP_ROWS: Final = 64

# Keeping what was counted.
INSIGHT_SNAPSHOT_MS: Final = MINUTE_MS
#: After an erasure: what was counted of somebody who is erased cannot be read again.
INSIGHT_ERASED_SNAPSHOT_MS: Final = 500
#: How long it reads on when it is to end, and how long its last snapshot may take.
INSIGHT_DRAIN_MS_MAX: Final = 3 * SECOND_MS

# Telling it.
#: Rates are of the last ten seconds, shares and latencies of the last minute, by the wall.
INSIGHT_RATE_MS: Final = 10 * SECOND_MS
INSIGHT_SHARE_MS: Final = MINUTE_MS
#: An answer is believed until the next multiple of this, whoever asks.
INSIGHT_TOLD_MS: Final = 500
INSIGHT_ANSWERS_KEPT_MAX: Final = 64
#: Answers of Insight that a gateway keeps, and for how long, so that they need not be sent again.
COUNTED_KEPT_MAX: Final = 64
COUNTED_KEPT_MS: Final = 10 * SECOND_MS
#: Gateway replicas whose latencies are kept.
INSIGHT_REPLICAS_MAX: Final = 256
#: How often a gateway tells its latencies.
LATENCY_REPORT_MS: Final = SECOND_MS
#: After how long one that Insight did not take is told again, and how long a gateway waits for an answer of Insight.
LATENCY_RETRY_MS: Final = 5 * SECOND_MS
INSIGHT_ANSWER_MS_MAX: Final = 3 * SECOND_MS
#: How often the console tells its figures, and for how long they are believed of one that tells none.
CONSOLE_REPORT_MS: Final = 5 * SECOND_MS
CONSOLE_FIGURES_KEPT_MS: Final = 30 * SECOND_MS
#: Replicas of the console whose figures are kept.
CONSOLE_REPLICAS_MAX: Final = 8
#: For how long it is believed what Ray Serve says of its replicas, and how long a gateway waits for that.
SERVING_BELIEVED_MS: Final = 2 * SECOND_MS
SERVING_ANSWER_MS_MAX: Final = SECOND_MS

assert INSIGHT_MINUTES * MINUTE_MS <= INSIGHT_HOURS * 60 * MINUTE_MS <= INSIGHT_DAYS * 24 * 60 * MINUTE_MS
assert FEED_PAGE_BYTES <= FEED_RING_BYTES
assert FEED_WAIT_MS + FEED_GATHER_MS < FEED_REACHED_MS < FEED_ANSWER_MS_MAX
assert INSIGHT_RECENT_TOLD_MAX <= INSIGHT_RECENT_MAX
