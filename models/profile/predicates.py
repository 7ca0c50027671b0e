"""Results of the rules that no request can change, and the segments: re-evaluated only where they can have changed.

A rule is evaluated again when a field or segment that it reads has another value than at the last evaluation; one that
reads what moves with time (``days_since_last``) thus at every instant, a segment that reads ``now`` likewise. The
engine converts ``profile`` field by field (about 1 us each), so a context holds only what its readers can ask for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from models import canonical, limits
from models.catalog import rules as engine
from models.catalog.plan import SCORES, Mask, Plan
from models.profile import features
from models.profile.cache import cache_of
from models.profile.dependencies import Dependencies, dependencies
from models.profile.features import FeatureView
from models.profile.state import Profile
from models.times import local_datetime


@dataclass(slots=True)
class Standing:
    """Never changed once made, but for the variables that a caller sets on ``context``."""

    #: Read-only, over ``plan.rules``. Segments' rules included; False at other dynamic rules.
    results: Mask
    #: Every id, in catalog order.
    segments: dict[str, bool]
    #: Rule index -> why its evaluation erred (and counted as false, or as 1.0).
    errors: dict[int, str]
    #: Rule index -> weight, for the context weights that no request can change.
    weights: dict[int, float]
    view: FeatureView
    now_ms: int
    _context: Any = None

    @property
    def context(self) -> Any:
        """``cel.Context`` with ``segments`` and ``profile``: those present fields that dynamic rules and context
        weights read (all, where one reads ``profile`` as a whole). The caller sets ``context``, ``event``, ``world``,
        ``now``. Made when it is first asked for: where no rule reads the request, nobody asks."""
        if self._context is None:
            self._context = engine.rule_context()
            self._context.add_variable("profile", _record(self.view, dependencies(self.view.plan).asked))
            self._context.add_variable("segments", self.segments)
        return self._context


def standing(profile: Profile, plan: Plan, now_ms: int) -> Standing:
    """What holds for a customer at ``now_ms`` whatever is asked; equal to what an empty cache would give."""
    view = features.read(profile, plan, now_ms)
    cache = cache_of(profile)
    held = cache.standing
    known = dependencies(plan)
    if held is not None and (held.view.plan is not plan or now_ms < held.now_ms):
        held = None
    if held is not None and held.view is view and (held.now_ms == now_ms or not known.clocked):
        return held
    if known.clocked or known.read is None:
        made = _evaluated(known, view, now_ms, held)
    elif held is not None and _reads_the_same(held.view, view, known):
        made = Standing(held.results, held.segments, held.errors, held.weights, view, now_ms, held._context)
    else:
        made = _as_another(known, view, now_ms, held)
    cache.standing = made
    return made


def _as_another(known: Dependencies, view: FeatureView, now_ms: int, held: Standing | None) -> Standing:
    """Rules are functions of the fields that they read. Where another customer had the same values in all of these,
    what held for it holds here: a dict's look-up in place of an evaluation of every rule."""
    attributes = view.attributes
    # Packed, because as dict keys 1, 1.0 and true would be one, as 0.0 and -0.0: rules tell them apart.
    # An attribute hides a feature of its name, so each name is asked for in both.
    said = [attributes.get(id_) for id_ in known.read_ids] if attributes else []
    scores = [*view.scores.items()] if known.reads_scores else []
    key = canonical.pack([[view.values[place] for place in known.read_at], said, scores])
    twin = known.judged.get(key)
    if twin is not None:
        results, segments, errors, weights = twin
        return Standing(results, segments, errors, weights, view, now_ms)
    made = _evaluated(known, view, now_ms, held)
    if len(known.judged) >= limits.STANDINGS_KEPT_MAX:
        known.judged.clear()
    known.judged[key] = (made.results, made.segments, made.errors, made.weights)
    return made


def _evaluated(known: Dependencies, view: FeatureView, now_ms: int, held: Standing | None) -> Standing:
    changed = None if held is None else _changed(held.view, view, known)
    return _Evaluation(known, view, now_ms, held, changed).run()


def _record(view: FeatureView, names: frozenset[str] | None) -> dict[str, Any]:
    record = view.record()
    return record if names is None else {name: record[name] for name in names if name in record}


def _reads_the_same(old: FeatureView, new: FeatureView, known: Dependencies) -> bool:
    """No field that any rule reads differs."""
    if old.attributes != new.attributes or (known.reads_scores and old.scores != new.scores):
        return known.read is not None and known.read.isdisjoint(_changed(old, new, known))
    before, after = old.values, new.values
    return [before[place] for place in known.read_at] == [after[place] for place in known.read_at]


def _changed(old: FeatureView, new: FeatureView, known: Dependencies) -> set[str]:
    """Ids of the profile fields whose values differ."""
    changed = {
        id_ for id_, before, after in zip(known.feature_ids, old.values, new.values, strict=True) if before != after
    }
    if old.attributes != new.attributes:
        changed |= {
            id_ for id_ in old.attributes.keys() | new.attributes.keys()
            if old.attributes.get(id_) != new.attributes.get(id_)
        }
    if old.scores != new.scores:
        changed.add(SCORES)
    return changed


class _Evaluation:
    """One pass: segments in catalog order, then the rules that read what changed. ``changed`` None: everything."""

    def __init__(
        self, known: Dependencies, view: FeatureView, now_ms: int, old: Standing | None, changed: set[str] | None
    ) -> None:
        self.known, self.view, self.now_ms, self.old = known, view, now_ms, old
        self.plan = known.plan
        self.results: Mask = old.results if old else np.zeros(len(self.plan.rules), dtype=np.bool_)
        self.segments = dict(old.segments) if old else dict.fromkeys((s.id for s in self.plan.segments), False)
        self.errors = dict(old.errors) if old else {}
        self.weights = dict(old.weights) if old else {}
        self.changed = changed
        #: Holds what the rules of this pass read; made when there are any.
        self.context: Any = None
        self.segments_set = False

    def run(self) -> Standing:
        affected = self._affected()
        if affected:
            self._new_context(self._possible(affected))
            self.results = self.results.copy()
            self._judge_segments(affected)
            for rule in sorted(affected):
                self._judge(rule)
            self.results.setflags(write=False)
        return Standing(
            self.results, self.segments, self.errors, self.weights, self.view, self.now_ms, self._callers_context()
        )

    def _affected(self) -> set[int]:
        """Rules that read a changed field themselves (or the clock, for segments)."""
        known = self.known
        if self.old is None or self.changed is None:
            return {*known.standing, *known.weights, *(segment.rule for segment in self.plan.segments)}
        found: set[int] = set()
        if known.clocked and self.old.now_ms != self.now_ms:
            found = {segment.rule for segment in self.plan.segments if segment.id in known.clocked}
        if self.changed:
            found.update(known.whole_readers)
            for name in self.changed:
                found.update(known.readers.get(name, ()))
        return found

    def _possible(self, affected: set[int]) -> set[int]:
        """``affected`` and what may follow from segments among it."""
        found = set(affected)
        for segment in self.plan.segments:
            if segment.rule in found:
                found |= self._segment_readers(segment.id)
        return found

    def _segment_readers(self, id_: str) -> set[int]:
        return {*self.known.segment_readers.get(id_, ()), *self.known.whole_segment_readers}

    def _callers_context(self) -> Any:
        """The old one where nothing in it has changed; None: to be made when it is asked for."""
        asked = self.known.asked
        if self.old is None or self.changed is None or self.segments != self.old.segments:
            return None
        unchanged = not self.changed if asked is None else asked.isdisjoint(self.changed)
        return self.old._context if unchanged else None

    def _new_context(self, rules: set[int]) -> None:
        self.context = engine.rule_context()
        self.context.add_variable("profile", _record(self.view, self.known.fields_of(rules)))
        if self.known.clocked:
            self.context.add_variable("now", local_datetime(self.now_ms, self.plan.zone))
            for name in ("context", "event", "world"):
                self.context.add_variable(name, {})

    def _set_segments(self) -> None:
        self.context.add_variable("segments", self.segments)
        self.segments_set = True

    def _judge_segments(self, affected: set[int]) -> None:
        """Judge the affected ones; what reads one that changed becomes affected, later segments included."""
        for segment in self.plan.segments:
            if segment.rule not in affected:
                continue
            self._judge(segment.rule)
            result = bool(self.results[segment.rule])
            if result != self.segments[segment.id]:
                self.segments[segment.id] = result
                self.segments_set = False
                affected |= self._segment_readers(segment.id)
        affected -= {segment.rule for segment in self.plan.segments}

    def _judge(self, index: int) -> None:
        rule = self.plan.rules[index]
        if not self.segments_set and "segments" in rule.roots:
            self._set_segments()
        if index in self.known.weights:
            self.weights[index], error = engine.number(rule, self.context)
        else:
            self.results[index], error = engine.evaluate_or_error(rule, self.context)
        if error:
            self.errors[index] = error
        else:
            self.errors.pop(index, None)
