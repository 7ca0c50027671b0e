"""Bounds of the console; read as ``models.limits``."""

from typing import Final

from models.units import HOUR_MS, MINUTE_MS, SECOND_MS

# The console's frame.
#: A form may carry a catalog (1 MiB); what a browser encodes takes up to three times the room.
CONSOLE_FORM_BYTES_MAX: Final = 3 * 1024 * 1024 + 64 * 1024
CONSOLE_FORM_FIELDS_MAX: Final = 200
#: How long a page waits for an answer of the API, and for a connection to it.
CONSOLE_CALL_MS_MAX: Final = 20 * SECOND_MS
CONSOLE_CONNECT_MS_MAX: Final = 2 * SECOND_MS
#: Connections to the API that are kept, and those that may be open at once.
CONSOLE_CONNECTIONS_KEPT_MAX: Final = 16
CONSOLE_CONNECTIONS_MAX: Final = 64
#: Answers that are kept with their ETags, so that an unchanged one is not sent again; none that is larger.
CONSOLE_ANSWERS_KEPT_MAX: Final = 128
CONSOLE_ANSWER_BYTES_KEPT_MAX: Final = 2 * 1024 * 1024
#: All of them together, and for how long one stays that nobody asks for again.
CONSOLE_ANSWERS_BYTES_MAX: Final = 16 * 1024 * 1024
CONSOLE_ANSWER_KEPT_MS: Final = 30 * SECOND_MS
#: Live parts that are kept as they were rendered, for all who look at the same; all of them together; for how long.
CONSOLE_PARTS_KEPT_MAX: Final = 64
CONSOLE_PARTS_BYTES_MAX: Final = 8 * 1024 * 1024
CONSOLE_PART_KEPT_MS: Final = 2 * SECOND_MS
#: Rows of tables that are kept as they were rendered, since they mostly stay what they are.
CONSOLE_ROWS_KEPT_MAX: Final = 4_096
#: How long the currency and the time zone of the live catalog are believed.
CONSOLE_CATALOG_BELIEVED_MS: Final = 5 * SECOND_MS
#: Data that are older than this are told to be so.
CONSOLE_STALE_MS: Final = 5 * SECOND_MS

# The console's doors.
#: How long a one-time link may be opened, and how long the session that it begins lasts at most.
CONSOLE_LINK_MS: Final = 10 * MINUTE_MS
CONSOLE_SESSION_MS: Final = 12 * HOUR_MS
#: Beyond these the link or session of the same key that ends first goes.
CONSOLE_LINKS_PER_KEY_MAX: Final = 20
CONSOLE_SESSIONS_PER_KEY_MAX: Final = 50
#: What is sealed of a session: a token of an issuer may have some thousand bytes.
CONSOLE_SESSION_BYTES_MAX: Final = 16 * 1024
#: How often expired links and sessions are removed.
CONSOLE_SWEEP_MS: Final = 10 * MINUTE_MS
#: Requests of browsers that the console works on at once; beyond, HAProxy's next is refused.
CONSOLE_ONGOING_MAX: Final = 256
#: Steps by which the console's process gives way to those that decide.
CONSOLE_NICENESS: Final = 5
#: A session looks on for so long after it last asked; so many are counted at most.
CONSOLE_VIEWER_MS: Final = MINUTE_MS
CONSOLE_VIEWERS_MAX: Final = 10_000

# The console's pages about a decision, a customer, a catalog.
#: Candidates of one gate, and entries of a timeline, on one page.
CONSOLE_CANDIDATES_SHOWN_MAX: Final = 100
CONSOLE_MOMENTS_SHOWN: Final = 50
#: Entries of a timeline that are counted before somebody is erased; beyond, the page says "more than".
CONSOLE_ERASE_COUNTED_MAX: Final = 20_000
#: Rows of a diff on one page; changed parts with more lines are not compared line with line.
CONSOLE_DIFF_ROWS_MAX: Final = 2_000
CONSOLE_DIFF_COMPARED_MAX: Final = 8_000

# The console's pages about what is decided now, money and the cluster.
#: Decisions and actions that a page lists; actions beyond are summed up.
CONSOLE_DECISIONS_SHOWN_MAX: Final = 25
CONSOLE_ACTIONS_SHOWN_MAX: Final = 20
CONSOLE_RATES_SHOWN_MAX: Final = 200
#: How long an open page believes what was spent, which the server asks of every shard twice to be exact.
CONSOLE_BUDGETS_BELIEVED_MS: Final = 3 * SECOND_MS
#: The passing of a period is drawn anew this often when nothing else changes.
CONSOLE_PACE_STEP_S: Final = 10
#: What is told of a cluster, as in ``cluster/observability/alerts.yaml``.
CONSOLE_COMMIT_MS_WARN: Final = 100
CONSOLE_BACKLOG_WARN: Final = 2_000
CONSOLE_RESTARTS_WARN: Final = 3
#: Versions of evidence that a shard may lie behind: one comes every few seconds and takes a moment to arrive.
CONSOLE_EVIDENCE_BEHIND_WARN: Final = 1

# The past, as the console's pages step through it.
#: Catalogs of the past that a shard keeps compiled for those who look back.
PAST_PLANS_KEPT: Final = 4
#: Rows that are read to know what was free of the budgets then: those between two checkpoints, about.
PAST_ESCROW_ROWS_MAX: Final = 2_500
#: How often a look back begins anew because the journal was truncated under it.
PAST_TRIES_MAX: Final = 3
