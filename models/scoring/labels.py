"""From a shard's journal to rows: what was shown, what was known at that moment, and whether it was accepted.

Feature values are computed again from the facts before each decision, by the code that serves decisions, so that rows
do not depend on which scorer (if any) decided then. Neither fallbacks nor what customers of the control group got are
rows: nothing was weighed there.

A row is handed out when nothing changes it any more (see ``models.scoring.shown``), and then forgotten: what is held
are the customers, and the items of some days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from heapq import heappop, heappush
from typing import Final

import numpy as np

from models.arbitration.control import control_group
from models.catalog.check import compile_catalog
from models.catalog.plan import Plan
from models.coordination.messages import Count
from models.profile import features
from models.profile.apply import apply
from models.profile.facts import Born, Decided, Erased, Fact, ItemChosen, OutcomeApplied
from models.profile.state import Profile
from models.scoring.evidence import Evidence
from models.scoring.manifest import ACTION_FEATURES, TIME_FEATURES
from models.scoring.matrix import Layout
from models.scoring.shown import Deciding, Shown
from models.turn.shard_facts import CatalogAdopted, EvidenceAdopted, ShardFact

#: Every instant.
ALL_TIME: Final = (0, 2**62)


def default_features(plan: Plan) -> tuple[str, ...]:
    """Everything that a plan offers to a scorer, except which action it is: that would say nothing of a new one."""
    groups = dict.fromkeys(action.group for action in plan.actions)
    issues = dict.fromkeys(action.issue for action in plan.actions)
    tags = sorted({tag for action in plan.actions for tag in action.tags})
    return (
        *(f"profile.{feature.id}" for feature in plan.features),
        *(f"attribute.{one.id}" for one in plan.attributes.values() if one.type != "string"),
        *(f"score.{target.id}" for target in plan.targets.values() if not target.is_text),
        *TIME_FEATURES, *(f"channel.{channel}" for channel in plan.channels),
        *ACTION_FEATURES, *(f"group.{group}" for group in groups), *(f"issue.{issue}" for issue in issues),
        *(f"tag.{tag}" for tag in tags),
    )


class Labeller:
    """Reads one shard's turns in order."""

    def __init__(
        self, profiles: MutableMapping[bytes, Profile] | None = None, span_ms: tuple[int, int] = ALL_TIME
    ) -> None:
        """``profiles``: where customers are kept meanwhile; a profile that was put there may be given back as an equal
        one. None: in memory. ``span_ms``: items of decisions in [from, until) become rows."""
        self._from_ms, self._until_ms = span_ms
        #: None before the first adoption.
        self._catalog: tuple[Plan, Layout] | None = None
        self._evidence = Evidence()
        self._profiles: MutableMapping[bytes, Profile] = {} if profiles is None else profiles
        #: Customer -> (decision, action) -> item, of those that are not handed out yet.
        self._open: dict[bytes, dict[tuple[str, str], Shown]] = {}
        #: (from when on nothing changes it, count, customer, (decision, action)); may be earlier than it is by now.
        self._due: list[tuple[int, int, bytes, tuple[str, str]]] = []
        self._count = 0
        self._now_ms = 0
        #: Customers whose beginning lies before the journal's: their features cannot be computed.
        self.headless: set[bytes] = set()
        #: Customers of whom facts were erased.
        self.erased: set[bytes] = set()
        #: Items that are no rows: "fallback", "control_group".
        self.left_out: Counter[str] = Counter()

    def begin(self, plan: Plan, evidence: Evidence, profiles: Iterable[tuple[bytes, Profile]]) -> None:
        """Where a truncated journal begins: what was live, and the customers, as of its base."""
        self._adopt(plan)
        self._evidence = evidence
        for customer, profile in profiles:
            self._profiles[customer] = profile

    @property
    def plan(self) -> Plan | None:
        """The catalog in force after the last turn."""
        return self._catalog[0] if self._catalog else None

    @property
    def now_ms(self) -> int:
        """The clock of the last turn."""
        return self._now_ms

    @property
    def is_done(self) -> bool:
        """No later turn makes or changes a row."""
        return self._now_ms >= self._until_ms and not self._due

    def turn(
        self, now_ms: int, shard_facts: Iterable[ShardFact], parts: Iterable[tuple[bytes, Sequence[Fact] | None]]
    ) -> list[Shown]:
        """One row of the journal; a part is a customer and its facts in order, None where they are erased. Returns the
        items that nothing changes any more."""
        self._now_ms = max(self._now_ms, now_ms)
        for shard_fact in shard_facts:
            if isinstance(shard_fact, CatalogAdopted):
                self._adopt(compile_catalog(shard_fact.catalog))
            elif isinstance(shard_fact, EvidenceAdopted):
                changes = [Count(*change) for change in shard_fact.changes]
                self._evidence = self._evidence.with_changes(shard_fact.version, changes)
        for customer, facts in parts:
            if facts is None:
                self.erased.add(customer)
            for fact in facts or ():
                self._fact(customer, fact, now_ms)
        return list(self._finished())

    def rest(self) -> Iterator[Shown]:
        """What is left after the last turn, in the order in which it was decided: labels of windows that have ended
        since, and open ones. It is handed out like the rest: the next call gives nothing."""
        left = sorted(self._due, key=lambda entry: entry[1])
        self._due.clear()
        for _, _, customer, key in left:
            shown = self._take(customer, key)
            if shown is not None:
                yield shown

    def _adopt(self, plan: Plan) -> None:
        self._catalog = plan, Layout(default_features(plan), plan)

    def _fact(self, customer: bytes, fact: Fact, now_ms: int) -> None:
        if isinstance(fact, Erased):
            self._profiles.pop(customer, None)
            self._open.pop(customer, None)
            self.erased.add(customer)
            return
        profile = self._profiles.get(customer)
        if profile is None and not isinstance(fact, Born):
            self.headless.add(customer)
            return
        assert self._catalog is not None, "a shard adopts a catalog before it has customers"
        plan, layout = self._catalog
        if isinstance(fact, Decided) and profile is not None and self._from_ms <= now_ms < self._until_ms:
            self._decided(customer, profile, fact, plan, layout, now_ms)
        elif isinstance(fact, OutcomeApplied):
            self._outcome(customer, fact)
        self._profiles[customer] = apply(profile, fact, plan, now_ms)

    def _decided(
        self, customer: bytes, profile: Profile, fact: Decided, plan: Plan, layout: Layout, now_ms: int
    ) -> None:
        chosen = self._chosen(profile, fact, plan, now_ms)
        if not chosen:
            return
        record = features.read(profile, plan, now_ms).record()
        vector = layout.customer_vector(record, fact.request["channel"], now_ms)
        indexes = np.array([plan.action_index[item.action] for item in chosen], np.uint16)
        rows = layout.rows(vector, indexes, self._evidence.propensities(plan))
        deciding = Deciding.of(customer, fact, now_ms)
        opened = self._open.setdefault(customer, {})
        for item, row in zip(chosen, rows, strict=True):
            key = (fact.decision_id, item.action)
            shown = opened[key] = Shown(deciding, item, layout, row)
            self._count += 1
            heappush(self._due, (shown.forgotten_ms, self._count, customer, key))

    def _chosen(self, profile: Profile, fact: Decided, plan: Plan, now_ms: int) -> list[ItemChosen]:
        chosen = [item for item in fact.items if not item.fallback]
        self.left_out["fallback"] += len(fact.items) - len(chosen)
        if chosen and control_group(plan, profile.customer_id, now_ms) is not None:
            self.left_out["control_group"] += len(chosen)
            return []
        return chosen

    def _outcome(self, customer: bytes, fact: OutcomeApplied) -> None:
        shown = self._open.get(customer, {}).get((fact.decision_id, fact.action))
        if shown is None:
            return
        if fact.contact == "confirm" and not shown.confirmed_ms:
            shown.confirmed_ms = fact.counted_ms
        if fact.accepted:
            shown.accepted_ms = fact.counted_ms

    def _finished(self) -> Iterator[Shown]:
        """Those that nothing changes any more. What was confirmed since it was put down is put down anew."""
        while self._due and self._due[0][0] <= self._now_ms:
            _, count, customer, key = heappop(self._due)
            shown = self._take(customer, key)
            if shown is None:
                continue
            if shown.forgotten_ms <= self._now_ms:
                yield shown
                continue
            self._open.setdefault(customer, {})[key] = shown
            heappush(self._due, (shown.forgotten_ms, count, customer, key))

    def _take(self, customer: bytes, key: tuple[str, str]) -> Shown | None:
        """An open item, forgotten; None when its customer was erased."""
        items = self._open.get(customer, {})
        shown = items.pop(key, None)
        if not items:
            self._open.pop(customer, None)
        return shown
