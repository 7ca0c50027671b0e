"""Who reads what in a plan: which rules a changed feature, attribute or segment concerns. Built once per plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.catalog.plan import SCORES, Plan, RestPolicy, Rule
from models.profile.windows import MOVING

#: Plans whose dependencies are remembered: a turn may meet the one before and after an adoption.
_REMEMBERED = 4
_memory: list[Dependencies] = []


@dataclass(frozen=True, slots=True)
class Dependencies:
    plan: Plan
    feature_ids: tuple[str, ...]
    #: Feature id -> hash of its definition.
    definitions: Mapping[str, bytes]
    #: 0, 1, 2, ... one per feature.
    places: range
    #: Indexes of the features whose value changes with every instant.
    moving: frozenset[int]
    #: Indexes of ratio features, each after the ratios that it reads.
    ratios: tuple[int, ...]
    #: Indexes of the rules that give a bool without a request, and of those that only weigh an action.
    standing: tuple[int, ...]
    weights: frozenset[int]
    #: Profile field -> the above that read it; those that read the profile as a whole.
    readers: Mapping[str, tuple[int, ...]]
    whole_readers: tuple[int, ...]
    #: Likewise for segments.
    segment_readers: Mapping[str, tuple[int, ...]]
    whole_segment_readers: tuple[int, ...]
    #: Ids of segments whose rule reads ``now`` (or anything else that is no state): judged at every instant.
    clocked: frozenset[str]
    #: Profile fields of the rules that a caller evaluates (dynamic ones, weights, ``after.when``); None: all.
    asked: frozenset[str] | None
    #: Profile fields that any rule reads; None: all. While none of them changes, and nothing is clocked, no rule does.
    read: frozenset[str] | None
    #: Indexes of the features among ``read``; all of ``read`` in a fixed order (without fields when it is None).
    read_at: tuple[int, ...]
    read_ids: tuple[str, ...]
    #: Some rule reads scores (without targets that name is an attribute's).
    reads_scores: bool
    #: Packed values of all that is read -> what rules and segments then give (``models.profile.predicates``). A cache,
    #: bounded there.
    judged: dict[bytes, Any] = field(default_factory=dict, compare=False, repr=False)

    def fields_of(self, rules: Iterable[int]) -> frozenset[str] | None:
        """Profile fields that these rules read; None: all."""
        return _fields(self.plan.rules[rule] for rule in rules)


def dependencies(plan: Plan) -> Dependencies:
    for known in _memory:
        if known.plan is plan:
            return known
    made = _build(plan)
    _memory.insert(0, made)
    del _memory[_REMEMBERED:]
    return made


def _build(plan: Plan) -> Dependencies:
    segment_rules = {segment.rule for segment in plan.segments}
    weighs = _indexes(plan.context_weight)
    weighing = weighs - _deciding_rules(plan)
    standing = tuple(
        rule.index for rule in plan.rules
        if rule.index not in weighing and rule.index not in segment_rules and not rule.dynamic
    )
    weights = frozenset(rule for rule in weighing if not plan.rules[rule].dynamic)
    readers: dict[str, list[int]] = defaultdict(list)
    whole: list[int] = []
    segment_readers: dict[str, list[int]] = defaultdict(list)
    whole_segments: list[int] = []
    for index in sorted({*standing, *weights, *segment_rules}):
        rule = plan.rules[index]
        _note(index, rule.profile_fields, readers, whole)
        _note(index, rule.segments, segment_readers, whole_segments)
    marking = {policy.when for policy in plan.policies if isinstance(policy, RestPolicy)}
    caller = [rule for rule in plan.rules if rule.dynamic or rule.index in weighs or rule.index in marking]
    read = _fields(plan.rules)
    return Dependencies(
        plan=plan,
        feature_ids=tuple(feature.id for feature in plan.features),
        definitions={feature.id: feature.definition for feature in plan.features},
        places=range(len(plan.features)),
        moving=frozenset(feature.index for feature in plan.features if feature.aggregate in MOVING),
        ratios=_ratios(plan),
        standing=standing,
        weights=weights,
        readers={name: tuple(rules) for name, rules in readers.items()},
        whole_readers=tuple(whole),
        segment_readers={name: tuple(rules) for name, rules in segment_readers.items()},
        whole_segment_readers=tuple(whole_segments),
        clocked=frozenset(segment.id for segment in plan.segments if plan.rules[segment.rule].dynamic),
        asked=_fields(caller),
        read=read,
        read_at=tuple(feature.index for feature in plan.features if read is not None and feature.id in read),
        read_ids=tuple(sorted((read or frozenset()) - ({SCORES} if plan.targets else frozenset()))),
        reads_scores=bool(plan.targets) and (read is None or SCORES in read),
    )


def _deciding_rules(plan: Plan) -> set[int]:
    """Rules that are asked for a bool anywhere."""
    found = _indexes(plan.eligibility) | _indexes(plan.applicability) | _indexes(plan.suitability)
    found |= {segment.rule for segment in plan.segments}
    found |= {treatment.when for action in plan.actions for treatment in action.treatments}
    return found | {policy.when for policy in plan.policies if isinstance(policy, RestPolicy)}


def _indexes(rules: np.ndarray[tuple[int, ...], np.dtype[np.int32]]) -> set[int]:
    return {int(rule) for rule in np.unique(rules) if rule >= 0}


def _note(index: int, names: frozenset[str] | None, by_name: dict[str, list[int]], whole: list[int]) -> None:
    if names is None:
        whole.append(index)
        return
    for name in names:
        by_name[name].append(index)


def _fields(rules: Iterable[Rule]) -> frozenset[str] | None:
    found: set[str] = set()
    for rule in rules:
        if rule.profile_fields is None:
            return None
        found |= rule.profile_fields
    return frozenset(found)


def _ratios(plan: Plan) -> tuple[int, ...]:
    """Ratio features, each after those it is made of; members of a circle stay out and are absent."""
    waiting = [feature for feature in plan.features if feature.aggregate == "ratio"]
    ready = {feature.index for feature in plan.features if feature.aggregate != "ratio"}
    ordered: list[int] = []
    while True:
        found = [feature for feature in waiting if ready.issuperset(feature.of)]
        if not found:
            return tuple(ordered)
        ordered += [feature.index for feature in found]
        ready |= {feature.index for feature in found}
        waiting = [feature for feature in waiting if feature.index not in ready]
