"""A candidate against the journals of an installation, live or stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from actors.scorer_registry import Scorers
from cluster.exporting.profile_shelf import ProfileShelf
from cluster.journal_rows import Progress
from cluster.journal_source import JournalSource, base_profiles, pages
from models.catalog.plan import Plan
from models.errors import BadInput
from models.evaluation.candidate import Candidate, fitting
from models.evaluation.journal import Gathering, Reward
from models.evaluation.report import Report, evaluate
from models.profile import packing
from models.profile.facts import Fact, OutcomeApplied, from_wire
from models.profile.state import Profile
from models.scoring.booster import Booster
from models.turn import shard_facts
from models.turn.replay import Fold
from models.turn.shard_state import ShardState

_Segments = list[tuple[bytes, int, list[Fact] | None]]


class _Customers(ProfileShelf):
    """As a fold keeps them: None is a customer who was erased."""

    def __setitem__(self, customer: bytes, profile: Profile | None) -> None:
        if profile is None:
            self.pop(customer, None)
        else:
            super().__setitem__(customer, profile)


@dataclass(frozen=True, slots=True)
class Asked:
    """What to evaluate: at least one of both."""

    #: None: the catalog of each decision.
    plan: Plan | None = None
    #: The version that scores everybody; None: the roles of each decision.
    scorer: str | None = None


def candidate_of(asked: Asked, registry: Scorers) -> Candidate:
    """Raises ``UnknownScorerError``; ``BadInput`` when scorer and catalog do not fit, or the scorer is of a target."""
    loaded: dict[str, Booster] = {}

    def load(version: str) -> Booster:
        if version not in loaded:
            loaded[version] = registry.load(version)
        return loaded[version]

    if asked.scorer is not None and (target := load(asked.scorer).manifest.target):
        raise BadInput(
            f"scorer {asked.scorer} predicts the target {target!r}, not whether an action is accepted, so it cannot "
            "decide; name another one (`kairos scorer list` shows targets)"
        )
    named: tuple[str, ...] = ()
    if asked.plan is not None:
        named = _named(asked.plan)
        for version in dict.fromkeys([*named, *([asked.scorer] if asked.scorer is not None else [])]):
            fitting(load(version), asked.plan)
    return Candidate(asked.plan, asked.scorer, named, load)


def evaluate_on_journals(
    source: JournalSource, candidate: Candidate, reward: Reward = "accept", threads: int = 1,
    progress: Progress | None = None,
) -> Report:
    """Every decision whose outcomes are final, or a sample of them by hash. Raises ``BadInput`` when there is none."""
    gathering = Gathering(candidate, reward)
    now_ms = max([read_shard(source, shard, gathering, progress) for shard in range(source.shards)], default=0)
    log, policy = gathering.finish(now_ms)
    return evaluate(log, policy, threads, gathering.notes(), gathering.doubts(len(log)))


def _named(plan: Plan) -> tuple[str, ...]:
    """The scorers that the variants of a plan's experiments name."""
    variants = (variant for one in plan.catalog.get("experiments") or () for variant in one["variants"])
    return tuple(dict.fromkeys(variant["scorer"] for variant in variants if variant.get("scorer")))


def read_shard(source: JournalSource, shard: int, gathering: Gathering, progress: Progress | None = None) -> int:
    """Tell ``gathering`` of every decision and outcome of a shard; returns the clock of its newest row."""
    customers, now_ms = _Customers(), 0
    fold: Fold | None = None
    try:
        for page in pages(source, shard):
            if fold is None:
                fold = _begin(source, shard, page["base"], customers)
            for row in page["rows"]:
                now_ms = row["t"]
                _row(fold, row, gathering)
            if progress is not None:
                progress(shard, page["next"] or page["last"], page["last"])
    finally:
        customers.close()
    return now_ms


def _begin(source: JournalSource, shard: int, base: dict[str, Any] | None, customers: _Customers) -> Fold:
    kept = cast("dict[bytes, Profile | None]", customers)
    if base is None:
        return Fold(ShardState(shard), kept)
    for customer, _, packed in base_profiles(source, shard):
        if packed is not None:
            customers[customer] = packing.unpack(packed)
    return Fold(ShardState.unpack(shard, base["state"]), kept)


def _row(fold: Fold, row: dict[str, Any], gathering: Gathering) -> None:
    segments: _Segments = [
        (customer, generation, None if wires is None else [from_wire(wire) for wire in wires])
        for customer, generation, _, wires in row["g"]
    ]
    for met in fold.row(row["t"], [shard_facts.from_wire(wire) for wire in row["f"]], segments):
        gathering.decision(met)
    for _, _, facts in segments:
        for fact in facts or ():
            if isinstance(fact, OutcomeApplied):
                gathering.outcome(fact)
