"""Invariants of a profile, recomputed from scratch: for tests after every step, and for tools that doubt a store."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from models import limits
from models.catalog.plan import Plan
from models.errors import InvariantBroken
from models.profile import exposures, features, ledger, predicates
from models.profile.distinct import Distinct
from models.profile.extreme import Extreme
from models.profile.running import Running, bucket_width_ms
from models.profile.state import BUDGET_FREED, BUDGET_HELD, BUDGET_SPENT, CONFIRMED, FALLBACK, HELD, RELEASED, Profile
from models.profile.windows import KINDS, Aggregate


def validate(profile: Profile, plan: Plan, now_ms: int) -> None:
    """Raises ``InvariantBroken`` naming what is inconsistent."""
    _require(profile.state_version >= 0 and profile.generation >= 1, "a version below 0 or a generation below 1")
    for id_, aggregate in profile.windows.items():
        place = plan.feature_index.get(id_)
        if place is not None and plan.features[place].definition == aggregate.definition:
            kind = KINDS[plan.features[place].aggregate]
            _require(isinstance(aggregate, kind), f"feature {id_} is kept as a {type(aggregate).__name__}")
            validate_aggregate(id_, aggregate, plan.features[place].window_ms)
    _validate_ledger(profile)
    for policy, marks in profile.marks.items():
        _require(0 < len(marks) <= limits.EVENT_MARKS_MAX, f"policy {policy} has {len(marks)} marks")
        _require(_ascending(marks), f"the marks of policy {policy} are not sorted")
    for target, score in profile.scores.items():
        _require(0 < score.at_ms <= profile.last_ms, f"the score of {target} is of {score.at_ms}, after the last fact")
        _require(bool(score.version), f"the score of {target} is nobody's")
    _require(len(profile.attributes) <= limits.ATTRIBUTES_PER_CUSTOMER_MAX, "too many attributes")
    _validate_caching(profile, plan, now_ms)


def validate_aggregate(id_: str, held: Aggregate, window_ms: int) -> None:
    _require(len(held.pending) <= limits.EVENTS_PER_WINDOW_MAX, f"feature {id_} has too many waiting events")
    _require(_ascending(event[0] for event in held.pending), f"waiting events of feature {id_} are not sorted")
    if isinstance(held, Running | Extreme):
        _require(len(held.times) <= limits.EVENTS_PER_WINDOW_MAX, f"feature {id_} keeps {len(held.times)} events")
        _require(_ascending(held.times), f"events of feature {id_} are not sorted")
        _require(len(held.buckets) <= limits.WINDOW_BUCKETS + 1, f"feature {id_} keeps {len(held.buckets)} buckets")
        width_ms = bucket_width_ms(window_ms)
        cells = [bucket[0] // width_ms for bucket in held.buckets]
        _require(cells == sorted(set(cells)), f"buckets of feature {id_} are not sorted or share a cell")
    if isinstance(held, Running):
        _require(
            not held.buckets or not held.times or held.buckets[-1][0] <= held.times[0],
            f"a bucket of feature {id_} is newer than its exact events",
        )
        count = len(held.times) + sum(bucket[1] for bucket in held.buckets)
        total = sum(held.micros) + sum(bucket[2] for bucket in held.buckets)
        _require(held.count == count, f"feature {id_} counts {held.count}, its events are {count}")
        _require(held.total == total, f"feature {id_} sums to {held.total}, its amounts to {total}")
        _require(len(held.micros) in (0, len(held.times)), f"feature {id_} has times without amounts")
    elif isinstance(held, Extreme):
        _require(len(held.values) == len(held.times), f"feature {id_} has times without values")
        _require(all(a > b for a, b in pairwise(held.values)), f"values of feature {id_} do not fall")
    elif isinstance(held, Distinct):
        _require(len(held.seen) <= limits.DISTINCT_VALUES_MAX, f"feature {id_} keeps {len(held.seen)} values")
        _require(_ascending(held.seen.values()), f"values of feature {id_} are not sorted by time")


def _validate_ledger(profile: Profile) -> None:
    entries = profile.ledger
    _require(_ascending(c.decided_ms for c in entries), "the ledger is not sorted by decision")
    fallbacks = sum(c.state == FALLBACK for c in entries)
    _require(fallbacks <= limits.FALLBACKS_PER_CUSTOMER_MAX, f"the ledger keeps {fallbacks} fallbacks")
    contacts = len(entries) - fallbacks
    _require(contacts <= limits.CONTACTS_PER_CUSTOMER_MAX, f"the ledger keeps {contacts} contacts")
    keys = {(c.decision_id, c.action) for c in entries}
    _require(len(keys) == len(entries), "an action appears twice in one decision of the ledger")
    for c in entries:
        name = f"contact {c.decision_id} {c.action}"
        _require(c.state in (HELD, CONFIRMED, RELEASED, FALLBACK), f"{name} is in state {c.state!r}")
        _require((c.confirmed_ms > 0) == (c.state == CONFIRMED), f"{name} is {c.state} with {c.confirmed_ms=}")
        _require(not c.ended or c.state == CONFIRMED, f"{name} ended without a confirmation")
        states = {use[4] for use in c.budgets}
        _require(states <= {BUDGET_HELD, BUDGET_SPENT, BUDGET_FREED}, f"{name} has units in state {states}")
        _require(
            BUDGET_HELD not in states or (c.state in (HELD, CONFIRMED) and not c.ended),
            f"{name} holds units that nothing will free",
        )
        _require(len(c.outcomes) <= limits.OUTCOMES_PER_CONTACT_MAX, f"{name} keeps {len(c.outcomes)} outcomes")
        _require(_ascending(at_ms for _, at_ms in c.outcomes), f"outcomes of {name} are not sorted")
    timers = {(c.decision_id, c.action): ledger.timer_ms(c) for c in entries if ledger.timer_ms(c)}
    timers |= {(exposures.TIMER, id_): e.until_ms for id_, e in profile.experiments.items() if not e.observed}
    _require(timers == profile.timers, "the timers are not those of the ledger and the experiments")


def _validate_caching(profile: Profile, plan: Plan, now_ms: int) -> None:
    """What the cache gives equals what an empty one gives."""
    fresh = profile.copy()
    fresh.cache = None
    cached: Any = features.read(profile, plan, now_ms).values
    computed: Any = features.read(fresh, plan, now_ms).values
    _require(cached == computed, f"cached features {cached} are not the computed {computed}")
    known, made_anew = features.read(profile, plan, now_ms).record(), features.read(fresh, plan, now_ms).record()
    _require(known == made_anew, f"the cached record {known} is not the computed {made_anew}")
    held = predicates.standing(profile, plan, now_ms)
    made = predicates.standing(fresh, plan, now_ms)
    _require(held.segments == made.segments, f"cached segments {held.segments} are not the computed {made.segments}")
    _require(bool((held.results == made.results).all()), "cached rule results are not the computed ones")
    _require(held.errors == made.errors and held.weights == made.weights, "cached errors or weights differ")


def _ascending(values: Iterable[Any]) -> bool:
    return all(a <= b for a, b in pairwise(values))


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise InvariantBroken(f"profile: {what}")
