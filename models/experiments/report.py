"""What can be said of an experiment right now, and that holds however often somebody asks.

Each variant is compared with the control by one observation per customer (``sequences``); the level is shared among the
comparisons, so that of all of them together at most ``ALPHA`` ever mislead. The intervals are asymptotic: nothing is
said before either arm has ``OBSERVATIONS_MIN`` customers and its sum consists of ``CONTRIBUTING_MIN`` of them. With the
former alone, rare or skewed outcomes in a small arm mislead far more often (up to one path in three, simulated).
"""

from __future__ import annotations

import math
from typing import Any, Final

from models import limits
from models.canonical import significant
from models.catalog.schema.experiments import Experiment
from models.experiments.book import ExperimentBook
from models.experiments.counting import Tally
from models.experiments.ratio import log_e_value
from models.experiments.sequences import Interval, Moments, difference, relative

ALPHA: Final = 0.05
#: Observations of two arms together at which the intervals are tightest.
TUNED_FOR: Final = 2_000
OBSERVATIONS_MIN: Final = 100
CONTRIBUTING_MIN: Final = 30
#: An alarm that nothing caused comes once in a thousand experiments at most.
RATIO_ALPHA: Final = 0.001
_STATES: Final = {True: "running", False: "ended"}


def experiments_view(book: ExperimentBook, live: frozenset[str]) -> list[dict[str, Any]]:
    """``GET /v1/experiments``; ``live``: ids of the live catalog."""
    return [_summary(book, id_, live) for id_ in book.definitions]


def _summary(book: ExperimentBook, id_: str, live: frozenset[str]) -> dict[str, Any]:
    experiment = book.experiment(id_)
    tallies = [tally for _, tally in _tallies(book, experiment)]
    return {
        "id": id_, "namespace": experiment.namespace, "state": _STATES[id_ in live], "metric": experiment.metric,
        "share": experiment.share, "variants": [variant.id for variant in experiment.variants],
        "assigned": sum(tally.assigned for tally in tallies), "observed": sum(tally.observed for tally in tallies),
        "alarm": sample_ratio(book, experiment)["alarm"],
    }


def experiment_view(book: ExperimentBook, id_: str, live: frozenset[str]) -> dict[str, Any]:
    """``GET /v1/experiments/{id}``."""
    experiment = book.experiment(id_)
    tallies = _tallies(book, experiment)
    control = tallies[0][1]
    alpha = ALPHA / max(1, len(experiment.variants) - 1)
    weights = {variant.id: variant.weight for variant in experiment.variants}
    return {
        "id": id_, "namespace": experiment.namespace, "state": _STATES[id_ in live], "metric": experiment.metric,
        "share": experiment.share, "observe": experiment.observe, "channels": experiment.channels,
        "alpha": ALPHA, "alpha_per_comparison": alpha, "tuned_for": TUNED_FOR, "observations_min": OBSERVATIONS_MIN,
        "contributing_min": CONTRIBUTING_MIN,
        "assigned": sum(tally.assigned for _, tally in tallies),
        "observed": sum(tally.observed for _, tally in tallies),
        "variants": [
            _variant(experiment, name, weights.get(name), tally, control if at else None, alpha)
            for at, (name, tally) in enumerate(tallies)
        ],
        "sample_ratio": sample_ratio(book, experiment),
        "notes": _notes(book, id_) + _worthless(experiment, tallies),
    }


def _tallies(book: ExperimentBook, experiment: Experiment) -> list[tuple[str, Tally]]:
    """Of the variants in the catalog's order, then of those that left it."""
    names = [variant.id for variant in experiment.variants]
    gone = [name for name in book.totals.variants(experiment.id) if name not in names]
    return [(name, book.totals.of(experiment.id, name)) for name in [*names, *gone]]


def moments(tally: Tally, metric: str) -> Moments:
    """Value in the unit in which outcomes report it."""
    if metric == "value":
        return Moments(tally.observed, tally.value_sum, tally.value_squares, limits.MICRO)
    return Moments(tally.observed, tally.accepts_sum, tally.accepts_squares)


def _variant(
    experiment: Experiment, name: str, weight: int | None, tally: Tally, control: Tally | None, alpha: float
) -> dict[str, Any]:
    """``control`` is None for the control itself."""
    own = moments(tally, experiment.metric)
    shown: dict[str, Any] = {
        "id": name, "weight": weight, "control": control is None, "assigned": tally.assigned,
        "observed": tally.observed, "contacts": tally.contacts, "accepts": tally.accepts,
        "mean": _kept(own.mean) if own.count else None, "lift": None, "decided": None,
    }
    if control is None:
        return shown
    shown["lift"], shown["decided"] = _lift(own, moments(control, experiment.metric), alpha)
    return shown


def _lift(own: Moments, control: Moments, alpha: float) -> tuple[dict[str, Any] | None, str]:
    if not (_is_enough(own) and _is_enough(control)):
        return None, "not yet"
    absolute = difference(own, control, alpha, TUNED_FOR)
    if absolute is None:
        return None, "not yet"
    by_ratio = relative(own, control, alpha, TUNED_FOR)
    decided = "better" if absolute.low > 0.0 else "worse" if absolute.high < 0.0 else "not yet"
    return {"absolute": _shown(absolute), "relative": None if by_ratio is None else _shown(by_ratio)}, decided


def _is_enough(arm: Moments) -> bool:
    return arm.count >= OBSERVATIONS_MIN and arm.contributing >= CONTRIBUTING_MIN


def sample_ratio(book: ExperimentBook, experiment: Experiment) -> dict[str, Any]:
    """Whether customers fall into the variants as the weights say."""
    if "weights" in book.changed.get(experiment.id, ()):
        why = "the weights changed while it ran, so there is no one ratio to hold the counts against"
        return {"e_value": None, "p_value": None, "alarm": False, "why": f"{why}; start another under a new id"}
    counts = [book.totals.of(experiment.id, variant.id).assigned for variant in experiment.variants]
    weights = [variant.weight for variant in experiment.variants]
    log_e = log_e_value(counts, weights)
    alarm = log_e >= -math.log(RATIO_ALPHA)
    found = " : ".join(map(str, counts))
    wanted = " : ".join(map(str, weights))
    why = (
        f"{found} customers do not fit weights of {wanted}: some are lost or counted twice; trust no lift before that "
        f"is explained" if alarm else f"{found} customers fit weights of {wanted}"
    )
    return {"e_value": _kept(math.exp(log_e)), "p_value": _kept(min(1.0, math.exp(-log_e))), "alarm": alarm, "why": why}


def _notes(book: ExperimentBook, id_: str) -> list[str]:
    said = {
        "weights": "weights changed while it ran: customers of different times are mixed in unequal shares",
        "settings": "settings of a variant changed while it ran: its figures mix the old and the new",
        "observe": "observe changed while it ran: customers were observed for different lengths",
        "absent": "it left the catalog and came back: decisions in between were made without it, and a customer whose "
                  "observation was over by then may count twice; start another under a new id",
    }
    return [said[what] for what in book.changed.get(id_, ())]


def _worthless(experiment: Experiment, tallies: list[tuple[str, Tally]]) -> list[str]:
    """The value of an observation is what its outcomes report, not the action's: nobody else knows what was earned."""
    if experiment.metric != "value" or any(tally.value_squares for _, tally in tallies):
        return []
    if not any(tally.accepts_sum for _, tally in tallies):
        return []
    return ["no outcome reported a value, so every observation is worth 0: send `value` with outcomes, or choose the "
            "metric accepts"]


def _shown(interval: Interval) -> dict[str, Any]:
    return {"value": _kept(interval.estimate), "ci": [_kept(interval.low), _kept(interval.high)]}


def _kept(value: float) -> float:
    return significant(value)
