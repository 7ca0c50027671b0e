"""What a candidate catalog says otherwise than the live one, as far as decisions read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.catalog.plan import Plan, Rule

NEW: Final = "new"
CHANGED: Final = "changed"
#: Gates at which an action has a rule; so are the plan's columns called.
RULED: Final = frozenset({"eligibility", "applicability", "suitability"})


class Changes:
    def __init__(self, live: Plan, candidate: Plan) -> None:
        self.live = live
        self.candidate = candidate
        #: Id -> ``NEW`` or ``CHANGED``, of the candidate's: those that begin empty.
        self.features = _changed_features(live, candidate)
        #: The same by what the catalog writes of each.
        self.segments = self._listed("segments")
        self.policies = self._listed("contact_policies")
        self.experiments = self._listed("experiments")
        self.targets = self._listed("targets")
        self._arbitration = {
            name for name in ("factors", "exploration", "control_group", "evidence")
            if _arbitration(live).get(name) != _arbitration(candidate).get(name)
        }

    def arbitration(self, part: str) -> bool:
        """Whether ``factors``, ``exploration``, ``control_group`` or ``evidence`` is another."""
        return part in self._arbitration

    def rule(self, plan: Plan, gate: str, action: str) -> str:
        """An action's rule at one of ``RULED``; "" without one."""
        index = plan.action_index.get(action)
        if index is None:
            return ""
        place = int(getattr(plan, gate)[index])
        return "" if place < 0 else plan.rules[place].source

    def conditions(self, plan: Plan, action: str) -> frozenset[str]:
        """Those of an action's treatments."""
        index = plan.action_index.get(action)
        treatments = () if index is None else plan.actions[index].treatments
        return frozenset(plan.rules[one.when].source for one in treatments if one.when >= 0)

    def behind(self, source: str) -> list[str]:
        """Why the same rule may hold for another customer now: what it reads was changed."""
        rule = next((one for one in self.candidate.rules if one.source == source), None)
        if rule is None:
            return []
        segments, features = self._read_by(rule)
        told = [f"segment {id_!r} is {_anew(self.segments[id_], 'defined')}" for id_ in sorted(segments)]
        return told + [
            f"feature {id_!r} is {_anew(self.features[id_], 'counted')} and starts empty" for id_ in sorted(features)
        ]

    def _read_by(self, rule: Rule) -> tuple[set[str], set[str]]:
        """Changed segments and changed features that a rule reads, through segments too."""
        by_id = {segment.id: self.candidate.rules[segment.rule] for segment in self.candidate.segments}
        seen: set[str] = set()
        features: set[str] = set()
        open_rules = [rule]
        while open_rules:
            one = open_rules.pop()
            features |= set(self.features) if one.profile_fields is None else one.profile_fields & set(self.features)
            read = (set(by_id) if one.segments is None else one.segments & set(by_id)) - seen
            seen |= read
            open_rules += [by_id[id_] for id_ in read]
        return seen & set(self.segments), features

    def _listed(self, section: str) -> dict[str, str]:
        before, after = _by_id(self.live, section), _by_id(self.candidate, section)
        return {
            id_: CHANGED if id_ in before else NEW for id_, body in after.items() if before.get(id_) != body
        }


def _changed_features(live: Plan, candidate: Plan) -> dict[str, str]:
    before = {feature.id: feature.definition for feature in live.features}
    found = {
        feature.id: CHANGED if feature.id in before else NEW
        for feature in candidate.features if before.get(feature.id) != feature.definition
    }
    for feature in candidate.features:  # a ratio has no events of its own: it moves with what it is made of
        if feature.id not in found and any(candidate.features[part].id in found for part in feature.of):
            found[feature.id] = CHANGED
    return found


def _by_id(plan: Plan, section: str) -> dict[str, Any]:
    return {one["id"]: one for one in plan.catalog.get(section) or ()}


def _arbitration(plan: Plan) -> Mapping[str, Any]:
    found: Mapping[str, Any] = plan.catalog.get("arbitration") or {}
    return found


def _anew(how: str, what: str) -> str:
    return "new" if how == NEW else f"{what} anew"
