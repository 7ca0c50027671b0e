"""Evidence: counted outcomes behind a propensity when no scorer answers.

``EvidenceCounts`` is what one shard has counted since it began (cumulative, so that merging is taking the larger);
``Evidence`` is one published version of the sums of all shards. Called by the shard core, the arbitration and the
coordinator.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.canonical import significant
from models.catalog.plan import Arbitration, Plan
from models.coordination.messages import Count
from models.errors import InvariantBroken

_COUNTED: Final = "counted"
#: ("action" | "group" | "issue", id)
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One version: what all shards have counted. Immutable; ``with_changes`` makes the next one."""

    version: int = 0
    #: Key -> (accepts, contacts that were accepted or whose response window ended).
    counts: Mapping[Key, tuple[int, int]] = field(default_factory=dict)
    #: What was last computed from the counts; a cache, no part of the value.
    _cache: dict[Hashable, NDArray[np.float64]] = field(default_factory=dict, compare=False, repr=False)

    def propensities(self, plan: Plan, arbitration: Arbitration | None = None) -> NDArray[np.float64]:
        """float64[len(plan.actions)] in plan order, each in (0, 1), rounded to the kept digits. Read-only.

        Shrinkage towards the parent: the issue's estimate is the prior of the group, the group's that of the action
        (``docs``: architecture, Choosing). ``arbitration``: whose prior and strength; None: the plan's own.
        """
        rules = arbitration or plan.arbitration
        key = (plan.version, rules.evidence_prior, rules.evidence_strength)
        return self.kept(key, lambda: self._compute(plan, rules))

    def contacts(self, plan: Plan, arbitration: Arbitration | None = None) -> NDArray[np.float64]:
        """float64[len(plan.actions)]: how many contacts each of ``propensities`` is worth, those counted for the action
        and the strength of its prior. Read-only."""
        strength = (arbitration or plan.arbitration).evidence_strength
        return self.kept((plan.version, _COUNTED, strength), lambda: strength + self.counted(plan))

    def counted(self, plan: Plan) -> NDArray[np.float64]:
        """float64[len(plan.actions)]: contacts counted for each action. Read-only."""
        return self.kept((plan.version, _COUNTED), lambda: np.array(
            [self.counts.get(("action", action.id), (0, 0))[1] for action in plan.actions], np.float64
        ))

    def kept(self, key: Hashable, make: Callable[[], NDArray[np.float64]]) -> NDArray[np.float64]:
        """What ``make`` gives, made once for this version while there is room to keep it. Read-only. ``key`` says all
        that it depends on besides this version."""
        cached = self._cache.get(key)
        if cached is None:
            cached = make()
            cached.flags.writeable = False
            if len(self._cache) >= limits.ARBITRATIONS_KEPT_MAX:
                self._cache.clear()
            self._cache[key] = cached
        return cached

    def with_changes(self, version: int, changes: Iterable[Count]) -> Evidence:
        """A later version in which the counts of ``changes`` (absolute sums) replace those here."""
        counts = dict(self.counts)
        for change in changes:
            counts[change.kind, change.id] = (change.accepts, change.contacts)
        return Evidence(version, counts)

    def changes_since(self, older: Evidence) -> tuple[Count, ...]:
        """What ``older`` lacks, as absolute sums: ``older.with_changes`` of it equals this one."""
        return tuple(
            Count(kind, id_, *pair) for (kind, id_), pair in self.counts.items()
            if older.counts.get((kind, id_)) != pair
        )

    def to_wire(self) -> list[Any]:
        return [self.version, [[kind, id_, *pair] for (kind, id_), pair in self.counts.items()]]

    @classmethod
    def from_wire(cls, wire: list[Any]) -> Evidence:
        return cls(wire[0], {(kind, id_): (accepts, contacts) for kind, id_, accepts, contacts in wire[1]})

    def _compute(self, plan: Plan, rules: Arbitration) -> NDArray[np.float64]:
        strength = rules.evidence_strength

        def shrunk(kind: str, id_: str, prior: float) -> float:
            accepts, contacts = self.counts.get((kind, id_), (0, 0))
            return significant((prior * strength + accepts) / (strength + contacts))

        issues: dict[str, float] = {}
        groups: dict[Key, float] = {}
        found = np.empty(len(plan.actions), dtype=np.float64)
        for action in plan.actions:
            if action.issue not in issues:
                issues[action.issue] = shrunk("issue", action.issue, rules.evidence_prior)
            group = (action.issue, action.group)
            if group not in groups:
                groups[group] = shrunk("group", action.group, issues[action.issue])
            found[action.index] = shrunk("action", action.id, groups[group])
        return found


class EvidenceCounts:
    """What one shard has counted: cumulative, only rising. ``mark`` rises with every change, so that a report carries
    only what the coordinator does not have yet."""

    def __init__(self) -> None:
        self.mark = 0
        #: Key -> (accepts, contacts, mark of the last change).
        self._counts: dict[Key, tuple[int, int, int]] = {}

    def add(self, action: str, group: str, issue: str, d_accepts: int, d_contacts: int) -> None:
        """Count an outcome of one item for its action, group and issue (as they were when it was decided)."""
        if d_accepts < 0 or d_contacts < 0:
            raise InvariantBroken(f"evidence of action {action!r} would fall by ({d_accepts}, {d_contacts})")
        if not d_accepts and not d_contacts:
            return
        self.mark += 1
        for key in (("action", action), ("group", group), ("issue", issue)):
            accepts, contacts, _ = self._counts.get(key, (0, 0, 0))
            self._counts[key] = (accepts + d_accepts, contacts + d_contacts, self.mark)

    def changes_since(self, mark: int) -> tuple[Count, ...]:
        """Cumulative counts of all that changed after ``mark`` (0: everything)."""
        return tuple(
            Count(kind, id_, accepts, contacts)
            for (kind, id_), (accepts, contacts, changed) in self._counts.items() if changed > mark
        )

    def to_wire(self) -> list[Any]:
        return [self.mark, [[*key, *value] for key, value in self._counts.items()]]

    @classmethod
    def from_wire(cls, wire: list[Any]) -> EvidenceCounts:
        counts = cls()
        counts.mark = wire[0]
        counts._counts = {(kind, id_): (a, c, changed) for kind, id_, a, c, changed in wire[1]}
        return counts
