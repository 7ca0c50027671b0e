"""What should be so in a cluster, and the line of the runbook for when it is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from cluster.console.views.runbook import Line, Section, line_of, runbook

#: ``bad``: customers wait or decisions are worse for it. ``warn``: it will be, if it goes on.
Level = Literal["bad", "warn"]

@dataclass(frozen=True, slots=True)
class Rule:
    """``line`` stands in the runbook's section ``title``, word by word."""

    level: Level
    title: str
    line: str

    @property
    def spans(self) -> Line:
        """``line`` in pieces, to be shown."""
        return line_of(self.line)

    @property
    def section(self) -> Section:
        return runbook()[self.title]


SHARD_SILENT: Final = Rule(
    "bad", "A shard does not answer", "`kairos status` says where it is; `kairos nodes` whether it moves.",
)
SHARD_STARTING: Final = Rule(
    "bad", "A shard does not answer",
    "A start that takes long replays a long tail: `kairos_journal_tail_bytes` before the loss tells how long.",
)
SHARD_WITHOUT_CATALOG: Final = Rule(
    "bad", "A shard has no catalog", "It answers, but decides nothing until it has adopted a catalog.",
)
RESTARTS: Final = Rule(
    "warn", "A shard starts again and again", "Each start is a take-over.",
)
COORDINATOR_SILENT: Final = Rule(
    "bad", "The coordinator does not answer",
    "Decisions go on; budgets run dry as shards use up what they hold, catalogs and scorers cannot be published.",
)
COORDINATOR_UNHEARD: Final = Rule(
    "bad", "The coordinator does not answer",
    "It is one actor with one journal: the same causes as of a shard.",
)
DEGRADED: Final = Rule(
    "bad", "Decisions are degraded", "The breaker is open: no scorer answers in time. Serve replaces a dead replica by "
    "itself.",
)
BACKLOG: Final = Rule(
    "bad", "Decisions are slow",
    "A backlog in one shard alone is one busy customer or a node that is too full.",
)
COMMITS: Final = Rule(
    "bad", "Commits are slow",
    "SQLite: the disk's sync time. PostgreSQL: its disk, its synchronous standby, the network between; its "
    "checkpoints, autovacuum.",
)
VERSIONS: Final = Rule(
    "bad", "Versions differ between shards", "A shard that lags adopts what is in force at its next report, within a "
    "second.",
)
INSIGHT_SILENT: Final = Rule(
    "bad", "The numbers of the console are old", "Decisions do not need it: what it counts is worked out of the "
    "journals, and it starts again by itself.",
)
INSIGHT_BEHIND: Final = Rule(
    "warn", "The numbers of the console are old", "It reads what it missed first; `behind_rows` of `GET /v1/live` says "
    "how much is left.",
)
GATEWAYS: Final = Rule(
    "bad", "A gateway is missing", "The others answer meanwhile, with less room.",
)
RULES: Final = (
    SHARD_SILENT, SHARD_STARTING, SHARD_WITHOUT_CATALOG, RESTARTS, COORDINATOR_SILENT, COORDINATOR_UNHEARD, DEGRADED,
    BACKLOG, COMMITS, VERSIONS, INSIGHT_SILENT, INSIGHT_BEHIND, GATEWAYS,
)
