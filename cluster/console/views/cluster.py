"""The cluster as rows, and what in it is not as it should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from actors import naming
from cluster.console.views import rules
from cluster.console.views.rules import Level, Rule
from models import limits

#: What a shard says of itself, and what that is called.
_STATES: Final[Mapping[str, tuple[str, Rule | None]]] = {
    "serving": ("serving", None), "starting": ("starting", rules.SHARD_STARTING),
    "standby": ("following", rules.SHARD_STARTING), "released": ("moving away", rules.SHARD_STARTING),
    "no_catalog": ("no catalog", rules.SHARD_WITHOUT_CATALOG),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """``where`` is not as it should be: ``what``."""

    where: str
    what: str
    rule: Rule

    @property
    def level(self) -> Level:
        return self.rule.level


@dataclass(frozen=True, slots=True)
class Shard:
    """``told`` as ``GET /v1/status`` has it; ``marks``: column -> how grave, for what is not as it should be."""

    shard: int
    state: str
    told: Mapping[str, Any]
    marks: Mapping[str, Level]

    def __getitem__(self, name: str) -> Any:
        """What it told under this name; None: nothing."""
        return self.told.get(name)

    @property
    def is_up(self) -> bool:
        return bool(self.told.get("up"))

    @property
    def is_serving(self) -> bool:
        return self.is_up and self.told.get("state") == "serving"

    @property
    def checkpoint_age_ms(self) -> float | None:
        age_s = self.told.get("checkpoint_age_s")
        return None if age_s is None else age_s * 1_000


@dataclass(frozen=True, slots=True)
class Cluster:
    shards: tuple[Shard, ...]
    #: The gravest first.
    findings: tuple[Finding, ...]

    @property
    def is_well(self) -> bool:
        return not self.findings

    @property
    def is_bad(self) -> bool:
        return any(finding.level == "bad" for finding in self.findings)

    @property
    def serving(self) -> int:
        return sum(shard.is_serving for shard in self.shards)

    @property
    def nodes(self) -> int:
        return len({shard.told["node_id"] for shard in self.shards if shard.told.get("node_id")})

    def tells(self, name: str) -> bool:
        """A shard told it."""
        return any(shard.told.get(name) is not None for shard in self.shards)

    def total(self, name: str) -> int:
        """Over the shards that told it."""
        return sum(int(shard.told[name]) for shard in self.shards if shard.told.get(name) is not None)


def cluster(status: Mapping[str, Any], live: Mapping[str, Any] | None, age_ms: int | None) -> Cluster:
    """``live``: of ``GET /v1/live``, ``age_ms`` old; None: Insight is away."""
    shards, found = [], []
    for told in status["shards"]:
        marks = dict(_marks(told, status))
        shards.append(_shard(told, marks))
        found += [Finding(f"shard {told['shard']}", what, rule) for _, (what, rule) in marks.items()]
    found += _of_coordinator(status)
    found += _of_serving(status.get("serving") or ())
    found += _of_insight(live, age_ms)
    found.sort(key=lambda finding: finding.level != "bad")
    return Cluster(tuple(shards), tuple(found))


def _shard(told: Mapping[str, Any], marks: Mapping[str, tuple[str, Rule]]) -> Shard:
    said = str(told.get("state", ""))
    state = _STATES.get(said, (said, None))[0] if told.get("up") else "no answer"
    return Shard(told["shard"], state, told, {name: rule.level for name, (_, rule) in marks.items()})


def _marks(told: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, Rule]]]:
    """Column -> what is wrong there, and the rule that says so."""
    if not told.get("up"):
        yield "state", ("does not answer; its customers wait", rules.SHARD_SILENT)
        return
    said = str(told.get("state", ""))
    state, rule = _STATES.get(said, (said, rules.SHARD_STARTING))
    if rule is not None:
        yield "state", (_behind(state, told), rule)
        return
    yield from _slow(told)
    yield from _versions(told, status)
    if told.get("degraded"):
        yield "scorer_version", ("decides on evidence alone: no scorer answers in time", rules.DEGRADED)
    if told.get("coordinator") is False:
        yield "coordinator", ("has not heard the coordinator lately", rules.COORDINATOR_UNHEARD)


def _behind(state: str, told: Mapping[str, Any]) -> str:
    behind = told.get("behind")
    return f"is {state}, {behind:,} rows behind" if behind else f"is {state}"


def _slow(told: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, Rule]]]:
    commit, backlog, restarts = told.get("append_p99_ms"), told.get("backlog"), told.get("restarts")
    if commit is not None and commit > limits.CONSOLE_COMMIT_MS_WARN:
        yield "append_p99_ms", (f"one commit in a hundred takes {commit:.0f} ms", rules.COMMITS)
    if backlog is not None and backlog > limits.CONSOLE_BACKLOG_WARN:
        yield "backlog", (f"{backlog:,} commands wait", rules.BACKLOG)
    if restarts is not None and restarts > limits.CONSOLE_RESTARTS_WARN:
        yield "restarts", (f"was started again {restarts} times", rules.RESTARTS)


def _versions(told: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, Rule]]]:
    if not status.get("coordinator"):
        return
    for name, title in (("catalog_version", "catalog"), ("scorer_version", "scorer")):
        if told.get(name) != status.get(name):
            yield name, (f"has another {title} than is live", rules.VERSIONS)
    lag = (status.get("evidence_version") or 0) - (told.get("evidence_version") or 0)
    if lag > limits.CONSOLE_EVIDENCE_BEHIND_WARN:
        yield "evidence_version", (f"is {lag} versions of evidence behind", rules.VERSIONS)


def _of_coordinator(status: Mapping[str, Any]) -> list[Finding]:
    if status.get("coordinator"):
        return []
    return [Finding("coordinator", "does not answer; shards decide on what they hold", rules.COORDINATOR_SILENT)]


#: What of Ray Serve's deployments is missed, and which rule says so.
_SERVED: Final[Mapping[str, tuple[str, Rule]]] = {
    naming.GATEWAY_APP: ("gateway", rules.GATEWAYS), naming.SCORER_APP: ("scorer", rules.DEGRADED),
}


def _of_serving(serving: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Replicas that should run and do not; those that are leaving are not missed."""
    found = []
    for one in serving:
        if one["application"] in _SERVED and one["running"] < one["replicas"] and one["state"] != "downscaling":
            where, rule = _SERVED[one["application"]]
            found.append(Finding(where, f"{one['running']} of {one['replicas']} replicas run ({one['state']})", rule))
    return found


def gateways(status: Mapping[str, Any]) -> tuple[int, int] | None:
    """(running, all) replicas of the gateway; None while nobody knows."""
    rows = [one for one in status.get("serving") or () if one["application"] == naming.GATEWAY_APP]
    return (sum(one["running"] for one in rows), sum(one["replicas"] for one in rows)) if rows else None


def _of_insight(live: Mapping[str, Any] | None, age_ms: int | None) -> list[Finding]:
    if live is None:
        return [Finding("insight", "does not answer: Now and the funnel stand still", rules.INSIGHT_SILENT)]
    if not live["caught_up"]:
        return [Finding("insight", f"is {live['behind_rows']:,} rows behind", rules.INSIGHT_BEHIND)]
    if age_ms is not None and age_ms > limits.CONSOLE_STALE_MS:
        return [Finding("insight", f"last read the journals {age_ms / 1_000:.0f} s ago", rules.INSIGHT_SILENT)]
    return []


@dataclass(frozen=True, slots=True)
class Position:
    """How far Insight has read a shard. ``behind``: rows that are there and not counted yet."""

    shard: int
    seq: int
    newest: int
    behind: int
    reached: bool


def positions(live: Mapping[str, Any]) -> tuple[Position, ...]:
    shards: Sequence[Mapping[str, Any]] = live["shards"]
    return tuple(
        Position(one["shard"], one["seq"], one["newest"], max(0, one["newest"] - one["seq"]), one["reached"])
        for one in shards
    )
