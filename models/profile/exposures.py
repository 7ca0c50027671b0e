"""A customer's part in experiments: begun by its first decision under a variant, ended by a timer. Called by ``apply``.

Over [first exposure, ``until_ms``) counts what comes of contacts that were decided from the exposure on, in whatever
channel: the acceptances that count as evidence, and the value that accept and convert outcomes report. What was known
before the exposure cannot depend on the variant, and only blurs. An outcome that is reported after the end is too late,
whenever it happened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from models import limits
from models.catalog.plan import Plan
from models.profile.facts import Decided, ExperimentObserved, OutcomeApplied
from models.profile.learnt import Exposure
from models.profile.state import Contact, Profile

#: In place of a decision id in the keys of ``Profile.timers``.
TIMER: Final = ""
_VALUED: Final = ("accept", "convert")


def expose(profile: Profile, fact: Decided, plan: Plan, now_ms: int) -> None:
    """Keep the variants of a decision, each from its first time on; forget those that are of no use any more."""
    kept = profile.experiments
    known = plan.experiments.by_id
    for id_ in [id_ for id_, exposure in kept.items() if exposure.observed and id_ not in known]:
        del kept[id_]
    for id_, variant in fact.exposures:
        if id_ not in kept and id_ in known:
            until_ms = now_ms + known[id_].observe_ms
            kept[id_] = Exposure(variant, now_ms, until_ms, observed=False, accepts=0, value_micros=0)
            profile.timers[TIMER, id_] = until_ms


def set_timers(profile: Profile) -> None:
    """Those of a profile that was unpacked."""
    profile.timers.update({
        (TIMER, id_): exposure.until_ms for id_, exposure in profile.experiments.items() if not exposure.observed
    })


def concerned(profile: Profile, contact: Contact, counted_ms: int) -> Iterator[tuple[str, Exposure]]:
    """The exposures for which an outcome of this contact counts."""
    for id_, exposure in profile.experiments.items():
        if not exposure.observed and exposure.exposed_ms <= contact.decided_ms and counted_ms < exposure.until_ms:
            yield id_, exposure


def is_acceptance(contact: Contact, fact: OutcomeApplied) -> bool:
    """As evidence counts it; ``contact`` as it was before the outcome."""
    return fact.accepted and not contact.ended


def note_outcome(profile: Profile, contact: Contact, fact: OutcomeApplied) -> None:
    """``contact`` as it was before the outcome."""
    accepts = int(is_acceptance(contact, fact))
    worth = round(fact.value * limits.MICRO) if fact.value is not None and fact.type in _VALUED else 0
    if not accepts and not worth:
        return
    most = limits.EXPERIMENT_VALUE_MICROS_MAX
    for id_, exposure in list(concerned(profile, contact, fact.counted_ms)):
        value = max(-most, min(most, exposure.value_micros + worth))
        profile.experiments[id_] = replace(exposure, accepts=exposure.accepts + accepts, value_micros=value)


def due(profile: Profile, now_ms: int) -> list[tuple[int, ExperimentObserved]]:
    """(when it ended, fact) of every observation that is over."""
    return [
        (exposure.until_ms, ExperimentObserved(
            id_, exposure.variant, exposure.accepts, exposure.value_micros, exposure.until_ms
        ))
        for id_, exposure in profile.experiments.items() if not exposure.observed and exposure.until_ms <= now_ms
    ]


def close(profile: Profile, fact: ExperimentObserved, plan: Plan) -> None:
    """The variant stays known for as long as the experiment is in the catalog."""
    profile.timers.pop((TIMER, fact.experiment), None)
    exposure = profile.experiments.get(fact.experiment)
    if exposure is None:
        return
    if fact.experiment in plan.experiments.by_id:
        profile.experiments[fact.experiment] = replace(exposure, observed=True)
    else:
        del profile.experiments[fact.experiment]
