"""Bounds of what-if; read as ``models.limits``."""

from typing import Final

from models.units import SECOND_MS

#: Requests that are decided twice, under the live catalog and under the candidate.
WHAT_IF_REQUESTS_MAX: Final = 50
#: A catalog as large as one may be, and as many requests as a batch carries.
WHAT_IF_BODY_BYTES_MAX: Final = 2 * 1024 * 1024
#: One is decided while the customers of the next are fetched; whoever comes then is told to come again.
WHAT_IFS_AT_ONCE_MAX: Final = 2
#: From the call to its answer; requests whose turn has not come by then are skipped.
WHAT_IF_MS_MAX: Final = 8 * SECOND_MS
#: How long a shard may take to tell of its customers.
WHAT_IF_SNAPSHOT_MS_MAX: Final = 3 * SECOND_MS
#: Catalogs that stay compiled: the live one and a few that are being tried.
WHAT_IF_PLANS_KEPT_MAX: Final = 4
#: Remarks of one answer.
WHAT_IF_NOTES_MAX: Final = 40
#: Requests that were decided lately from which a sample is taken, the newest of each customer and channel.
WHAT_IF_SAMPLED_MAX: Final = 2_000
#: Customers that a shard packs before it lets others in.
WHAT_IF_PACKED_AT_ONCE: Final = 8
