"""Facts change a profile: the only mutator of ``Profile`` (called by the turn, by replay and by audit).

Facts are effects that were judged when they were made, so applying one never refuses. What it changes depends on the
profile, the fact, the plan that was live and the turn's clock alone. Every fact but ``Born`` raises ``state_version``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from models import limits
from models.catalog.plan import Feature, Plan
from models.profile import exposures, ledger, windows
from models.profile.cache import Cache
from models.profile.dependencies import dependencies
from models.profile.extract import value_for
from models.profile.facts import (
    AttributesChanged,
    Born,
    ConsentChanged,
    Decided,
    Erased,
    EventApplied,
    ExperimentObserved,
    Fact,
    HoldExpired,
    ItemChosen,
    OutcomeApplied,
    ResponseEnded,
    ScoresRefreshed,
)
from models.profile.learnt import Score
from models.profile.state import (
    BUDGET_FREED,
    BUDGET_HELD,
    BUDGET_SPENT,
    CONFIRMED,
    FALLBACK,
    HELD,
    RELEASED,
    Contact,
    Profile,
)

#: The system's own outcome.
SILENCE = "none"
_BUDGET_STATES = {"spend": BUDGET_SPENT, "release": BUDGET_FREED, "unfunded": BUDGET_FREED}
#: Outcomes that are forgotten first when a contact has too many.
_SHOWN = ("impression", "delivery")


def apply(profile: Profile | None, fact: Fact, plan: Plan, now_ms: int) -> Profile:
    """Apply ``fact`` to a draft and return it.

    ``Born`` makes a profile (of the tombstone's generation, where one is handed in). ``Erased`` returns the tombstone:
    nobody's, empty, at version 0, one generation on.
    """
    if isinstance(fact, Born):
        generation = profile.generation if profile else 1
        return Profile(fact.customer_id, last_ms=now_ms, generation=generation, cache=Cache())
    assert profile is not None, "the first fact of a customer is Born"
    if isinstance(fact, Erased):
        return Profile("", last_ms=now_ms, generation=profile.generation + 1)
    _HANDLERS[type(fact)](profile, fact, plan, now_ms)
    profile.state_version += 1
    if now_ms > profile.last_ms:
        profile.last_ms = now_ms
    return profile


def _event(profile: Profile, fact: EventApplied, plan: Plan, now_ms: int) -> None:
    feeding = plan.features_by_event.get(fact.type, ())
    if feeding:
        _feed(profile, plan, [plan.features[index] for index in feeding], fact.time_ms, fact.properties, now_ms)
    if fact.marks and len(profile.marks) > limits.CONTACT_POLICIES_MAX:
        live = {policy.id for policy in plan.policies}
        profile.marks = {id_: times for id_, times in profile.marks.items() if id_ in live}
    for policy in fact.marks:
        marks = profile.marks.get(policy, ())
        at = bisect_right(marks, fact.time_ms)
        profile.marks[policy] = (*marks[:at], fact.time_ms, *marks[at:])[-limits.EVENT_MARKS_MAX:]


def _feed(
    profile: Profile, plan: Plan, feeding: Iterable[Feature], time_ms: int, properties: Mapping[str, Any], now_ms: int
) -> None:
    """Feed an event to some features. Aggregates of features that the plan does not define so any more are dropped:
    from now on they would miss events. Looked for once per plan, for under one plan none appears."""
    held = profile.windows
    if profile.fed_under is not plan:
        definitions = dependencies(plan).definitions
        for id_ in [id_ for id_, aggregate in held.items() if definitions.get(id_) != aggregate.definition]:
            del held[id_]
        profile.fed_under = plan
    for feature in feeding:
        value = value_for(feature, properties) if feature.field else 0
        if value is not None:
            held[feature.id] = windows.feed(held.get(feature.id), feature, time_ms, value, now_ms)


def _attributes(profile: Profile, fact: AttributesChanged, _plan: Plan, _now_ms: int) -> None:
    for id_, value in fact.changes.items():
        if value is None:
            profile.attributes.pop(id_, None)
        else:
            # Numbers of a profile are doubles, also in rules.
            profile.attributes[id_] = float(value) if type(value) is int else value


def _consent(profile: Profile, fact: ConsentChanged, _plan: Plan, _now_ms: int) -> None:
    profile.consent.update(fact.changes)


def _decided(profile: Profile, fact: Decided, plan: Plan, now_ms: int) -> None:
    channel = str(fact.request["channel"])
    direction = plan.channels[channel].direction if channel in plan.channels else ""
    scorer = fact.scorer_version if fact.scores else None
    for item in fact.items:
        ledger.add(profile, _entry(fact, item, channel, direction, scorer, now_ms))
    if fact.items:
        ledger.prune(profile, plan, now_ms)
    if fact.exposures or profile.experiments:
        exposures.expose(profile, fact, plan, now_ms)


def _entry(
    fact: Decided, item: ItemChosen, channel: str, direction: str, scorer: str | None, now_ms: int
) -> Contact:
    budgets = () if item.fallback else tuple((*use, BUDGET_HELD) for use in item.budgets)
    return Contact(
        decision_id=fact.decision_id, placement=item.placement, action=item.action, treatment=item.treatment,
        group=item.group, issue=item.issue, channel=channel, direction=direction, decided_ms=now_ms,
        hold_expires_ms=item.hold_expires_ms, accept_outcome=item.accept_outcome,
        accept_within_ms=item.accept_within_ms, state=FALLBACK if item.fallback else HELD, budgets=budgets,
        propensity=item.propensity, scorer=None if item.fallback else scorer, control_group=fact.control_group,
    )


def _outcome(profile: Profile, fact: OutcomeApplied, plan: Plan, now_ms: int) -> None:
    contact = ledger.find(profile, fact.decision_id, fact.action)
    if contact is None:
        return
    changes: dict[str, Any] = {"outcomes": _with_outcome(contact.outcomes, fact.type, fact.counted_ms)}
    if fact.contact == "confirm" and contact.state in (HELD, RELEASED):
        changes |= {"state": CONFIRMED, "confirmed_ms": fact.counted_ms}
    elif fact.contact == "release" and contact.state == HELD:
        changes["state"] = RELEASED
    if fact.budgets:
        effects = dict(fact.budgets)
        changes["budgets"] = tuple(
            (*use[:4], _BUDGET_STATES[effects[use[0]]] if use[0] in effects else use[4]) for use in contact.budgets
        )
    if fact.accepted:
        changes["accepted"] = True
    ledger.replace(profile, contact.with_(**changes))
    if profile.experiments:
        exposures.note_outcome(profile, contact, fact)
    _feed_outcome(profile, plan, contact, fact.type, fact.counted_ms, fact.value, now_ms)


def _with_outcome(outcomes: tuple[tuple[str, int], ...], type_: str, at_ms: int) -> tuple[tuple[str, int], ...]:
    """Sorted by time; at the bound the oldest impression or delivery goes, else the oldest of all."""
    at = bisect_right(outcomes, at_ms, key=lambda outcome: outcome[1])
    outcomes = (*outcomes[:at], (type_, at_ms), *outcomes[at:])
    if len(outcomes) <= limits.OUTCOMES_PER_CONTACT_MAX:
        return outcomes
    gone = next((place for place, outcome in enumerate(outcomes) if outcome[0] in _SHOWN), 0)
    return outcomes[:gone] + outcomes[gone + 1:]


def _feed_outcome(
    profile: Profile, plan: Plan, contact: Contact, type_: str, at_ms: int, value: float | None, now_ms: int
) -> None:
    feeding = [
        plan.features[index] for index in plan.features_by_outcome.get(type_, ())
        if all(getattr(contact, key) == wanted for key, wanted in plan.features[index].scope.items())
    ]
    _feed(profile, plan, feeding, at_ms, {} if value is None else {"value": value}, now_ms)


def _hold_expired(profile: Profile, fact: HoldExpired, _plan: Plan, _now_ms: int) -> None:
    contact = ledger.find(profile, fact.decision_id, fact.action)
    if contact is not None and contact.state == HELD:
        ledger.replace(profile, contact.with_(state=RELEASED, budgets=_freed(contact)))


def _response_ended(profile: Profile, fact: ResponseEnded, plan: Plan, now_ms: int) -> None:
    contact = ledger.find(profile, fact.decision_id, fact.action)
    if contact is None:
        return
    changes: dict[str, Any] = {"ended": True}
    if fact.budget_released:
        changes["budgets"] = _freed(contact)
    if fact.silent:
        changes["outcomes"] = _with_outcome(contact.outcomes, SILENCE, fact.ended_ms)
    ledger.replace(profile, contact.with_(**changes))
    if fact.silent:
        _feed_outcome(profile, plan, contact, SILENCE, fact.ended_ms, None, now_ms)


def _observed(profile: Profile, fact: ExperimentObserved, plan: Plan, _now_ms: int) -> None:
    exposures.close(profile, fact, plan)


def _scores_refreshed(profile: Profile, fact: ScoresRefreshed, plan: Plan, now_ms: int) -> None:
    """Scores of what is no target any more go."""
    kept = {id_: score for id_, score in profile.scores.items() if id_ in plan.targets}
    profile.scores = kept | {id_: Score(value, version, now_ms) for id_, value, version in fact.scores}


def _freed(contact: Contact) -> tuple[tuple[str, int, str, str, str], ...]:
    return tuple(
        (use[0], use[1], use[2], use[3], BUDGET_FREED if use[4] == BUDGET_HELD else use[4]) for use in contact.budgets
    )


_HANDLERS: dict[type[Any], Callable[[Profile, Any, Plan, int], None]] = {
    EventApplied: _event, AttributesChanged: _attributes, ConsentChanged: _consent, Decided: _decided,
    OutcomeApplied: _outcome, HoldExpired: _hold_expired, ResponseEnded: _response_ended,
    ExperimentObserved: _observed, ScoresRefreshed: _scores_refreshed,
}
