"""From a shard's journal to rows: what was shown, what was known at that moment, and whether it was accepted.

Feature values are computed again from the facts before each decision, by the code that serves decisions, so that rows
do not depend on which scorer (if any) decided then. Only contacts that were confirmed count as shown, and only those
whose response window has ended have a label.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.catalog.check import compile_catalog
from models.catalog.plan import Plan
from models.coordination.messages import Count
from models.profile import features
from models.profile.apply import apply
from models.profile.facts import Born, Decided, Erased, Fact, OutcomeApplied
from models.profile.state import Profile
from models.scoring.evidence import Evidence
from models.scoring.manifest import ACTION_FEATURES, TIME_FEATURES
from models.scoring.matrix import Layout
from models.turn.shard_facts import CatalogAdopted, EvidenceAdopted, ShardFact


def default_features(plan: Plan) -> tuple[str, ...]:
    """Everything that a plan offers to a scorer, except which action it is: that would say nothing of a new one."""
    groups = dict.fromkeys(action.group for action in plan.actions)
    issues = dict.fromkeys(action.issue for action in plan.actions)
    tags = sorted({tag for action in plan.actions for tag in action.tags})
    return (
        *(f"profile.{feature.id}" for feature in plan.features),
        *(f"attribute.{one.id}" for one in plan.attributes.values() if one.type != "string"),
        *TIME_FEATURES, *(f"channel.{channel}" for channel in plan.channels),
        *ACTION_FEATURES, *(f"group.{group}" for group in groups), *(f"issue.{issue}" for issue in issues),
        *(f"tag.{tag}" for tag in tags),
    )


@dataclass(slots=True)
class _Shown:
    """One item that a decision chose."""

    time_ms: int
    action: str
    within_ms: int
    layout: Layout
    row: NDArray[np.float32]
    #: 0 until confirmed, until accepted.
    confirmed_ms: int = 0
    accepted_ms: int = 0

    @property
    def ends_ms(self) -> int:
        return self.confirmed_ms + self.within_ms


class Labeller:
    """Reads one shard's turns in order; then gives its rows as columns."""

    def __init__(self) -> None:
        #: None before the first adoption.
        self._catalog: tuple[Plan, Layout] | None = None
        self._evidence = Evidence()
        self._profiles: dict[bytes, Profile] = {}
        self._shown: dict[tuple[str, str], _Shown] = {}
        self._now_ms = 0
        #: Customers whose beginning lies before the journal's: their features cannot be computed.
        self.headless: set[bytes] = set()

    def begin(self, plan: Plan, evidence: Evidence, profiles: Mapping[bytes, Profile]) -> None:
        """Where a truncated journal begins: what was live, and the customers, as of its base."""
        self._catalog = plan, Layout(default_features(plan), plan)
        self._evidence = evidence
        self._profiles = dict(profiles)

    @property
    def plan(self) -> Plan | None:
        """The catalog in force after the last turn."""
        return self._catalog[0] if self._catalog else None

    def turn(
        self, now_ms: int, shard_facts: Iterable[ShardFact], parts: Iterable[tuple[bytes, Sequence[Fact]]]
    ) -> None:
        """One row of the journal; a part is a customer and its facts in order."""
        self._now_ms = max(self._now_ms, now_ms)
        for shard_fact in shard_facts:
            if isinstance(shard_fact, CatalogAdopted):
                plan = compile_catalog(shard_fact.catalog)
                self._catalog = plan, Layout(default_features(plan), plan)
            elif isinstance(shard_fact, EvidenceAdopted):
                changes = [Count(*change) for change in shard_fact.changes]
                self._evidence = self._evidence.with_changes(shard_fact.version, changes)
        for customer, facts in parts:
            for fact in facts:
                self._fact(customer, fact, now_ms)

    def columns(self, wanted: Sequence[str]) -> dict[str, Any]:
        """The finished rows, in the form of ``models.scoring.rows``; what an older catalog lacked is NaN."""
        done = [
            shown for shown in self._shown.values() if shown.confirmed_ms and shown.ends_ms <= self._now_ms
        ]
        columns: dict[str, Any] = {
            "time_ms": np.array([shown.time_ms for shown in done], np.int64),
            "label_time_ms": np.array([shown.ends_ms for shown in done], np.int64),
            "action": [shown.action for shown in done],
            "label": np.array([0 < shown.accepted_ms <= shown.ends_ms for shown in done], np.uint8),
        }
        places = {id(shown.layout): _places(shown.layout, wanted) for shown in done}
        matrix = np.full((len(done), len(wanted)), np.nan, np.float32)
        for row, shown in enumerate(done):
            into, out_of = places[id(shown.layout)]
            matrix[row, into] = shown.row[out_of]
        return columns | {name: matrix[:, column] for column, name in enumerate(wanted)}

    def _fact(self, customer: bytes, fact: Fact, now_ms: int) -> None:
        profile = self._profiles.get(customer)
        if isinstance(fact, Erased):
            self._profiles.pop(customer, None)
            return
        if profile is None and not isinstance(fact, Born):
            self.headless.add(customer)
            return
        assert self._catalog is not None, "a shard adopts a catalog before it has customers"
        plan, layout = self._catalog
        if isinstance(fact, Decided) and profile is not None:
            self._decided(profile, fact, plan, layout, now_ms)
        elif isinstance(fact, OutcomeApplied):
            self._outcome(fact)
        self._profiles[customer] = apply(profile, fact, plan, now_ms)

    def _decided(self, profile: Profile, fact: Decided, plan: Plan, layout: Layout, now_ms: int) -> None:
        chosen = [item for item in fact.items if not item.fallback]
        if not chosen:
            return
        record = features.read(profile, plan, now_ms).record()
        vector = layout.customer_vector(record, fact.request["channel"], now_ms)
        indexes = np.array([plan.action_index[item.action] for item in chosen], np.uint16)
        rows = layout.rows(vector, indexes, self._evidence.propensities(plan))
        for item, row in zip(chosen, rows, strict=True):
            self._shown[fact.decision_id, item.action] = _Shown(
                now_ms, item.action, item.accept_within_ms, layout, row
            )

    def _outcome(self, fact: OutcomeApplied) -> None:
        shown = self._shown.get((fact.decision_id, fact.action))
        if shown is None:
            return
        if fact.contact == "confirm" and not shown.confirmed_ms:
            shown.confirmed_ms = fact.counted_ms
        if fact.accepted:
            shown.accepted_ms = fact.counted_ms


def merged(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The columns of several shards, one after the other."""
    return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}


def _places(layout: Layout, wanted: Sequence[str]) -> tuple[list[int], list[int]]:
    """(columns of the result, columns of the layout's row) of the names that both know."""
    at = {name: column for column, name in enumerate(layout.features)}
    pairs = [(column, at[name]) for column, name in enumerate(wanted) if name in at]
    return [into for into, _ in pairs], [out_of for _, out_of in pairs]
