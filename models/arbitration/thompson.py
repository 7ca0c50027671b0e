"""Thompson sampling (Thompson 1933; Chapelle and Li 2011) by its chances instead of by its draws.

A candidate's priority would be drawn as theta^a * (the rest of its priority), theta from the Beta distribution whose
mean is the candidate's propensity and whose weight (alpha + beta) is the contacts counted for its action plus the
strength of the prior. Here is worked out how often each candidate would come out best. The choice is then drawn from
these very numbers, so a selection probability is exact whatever the error of the quadrature; that only says how far
the policy is from sampling.

**The rule.** theta^a * r is the largest where theta * r^(1/a) is, so the candidates are Beta variables X_i on scales
of their own, with distribution functions F_i; H = prod F_i is that of the largest. In a stretch of which the largest
takes the mass dH, candidate i takes dH * d(log F_i) / d(log H): exact where the F_i are powers of each other (thus
where candidates are alike), else of second order in the length of the stretch. There are ``_STRETCHES`` of them, set by
a first look at ``_LOOKS`` points so that they are of like mass and finer towards both ends of H.

**The error.** Each stretch's mass is split as some distributions with the same values at its ends would split it, so
every chance lies between the sums of dF_i * prod F_j at the lower and at the upper ends: a proof, but a wide one.
Against a rule 40 times as fine no chance of thousands of random fields was off by more than 0.0004; ``ERROR`` is what
is promised, and tested.

**Who is left out.** Whoever is below some point with all but ``_CUT`` of its chance where another is above it with all
but as much would come out best in less than 2 * ``_CUT`` of all draws, and gets exactly 0. Of those that remain at most
``limits.THOMPSON_CONTENDERS_MAX`` compete, the ones that reach highest. So a position costs at most two quantiles per
candidate and some ``_LOOKS + _STRETCHES`` values of a distribution function per contender, fewer for what is known well
and thus narrow.
"""

from __future__ import annotations

import math
import sys
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv

from models import limits

Numbers = NDArray[np.float64]

#: No chance is further from sampling than this, for posteriors of weight 1 and more.
ERROR: Final = 1e-3
_CUT: Final = 1e-9
_LOOKS: Final = 32
_STRETCHES: Final = 96
#: Beta distributions are told from certainty up to here.
_MEAN_MAX: Final = 1.0 - 1e-9
_TINY: Final = sys.float_info.min
#: Where to look first: finer towards the lower end, where the surest candidates stand.
_FIRST: Final[Numbers] = np.linspace(0.0, 1.0, _LOOKS + 1) ** 2
#: Up to a jump, and how many jumps (the highest) are climbed so.
_STEPS: Final[Numbers] = np.append(1.0 - 0.25 ** np.arange(1.0, 26.0), 1.0)
_JUMPS_MAX: Final = 4
#: Values of H at which the stretches begin and end.
_LEVELS: Final[Numbers] = (1.0 - np.cos(np.linspace(0.0, np.pi, _STRETCHES + 1))) / 2.0


def chances_to_lead(priorities: Numbers, propensities: Numbers, contacts: Numbers, exponent: float) -> Numbers:
    """float64[candidates]: the chance of each to have the largest priority; they add up to 1 (to rounding).

    ``contacts``: the posterior's weight, above 0. ``exponent``: of the propensity in the priority; at 0 nothing is
    uncertain. The best ones share equally what cannot be told apart: candidates alike in all three, all that are best
    at exponent 0, everybody where all priorities are 0. Nobody else whose priority is 0 has a chance.
    """
    if len(priorities) == 1:
        return np.ones(1)
    if len(priorities) > limits.THOMPSON_FIELD_KEPT_MAX:
        return _chances(priorities, propensities, contacts, exponent)
    return _known(priorities.tobytes(), propensities.tobytes(), contacts.tobytes(), exponent)


@lru_cache(maxsize=limits.THOMPSON_FIELDS_KEPT_MAX)
def _known(priorities: bytes, propensities: bytes, contacts: bytes, exponent: float) -> Numbers:
    """Where evidence decides, the same few fields come again and again; and a position asks for one twice."""
    found = _chances(np.frombuffer(priorities), np.frombuffer(propensities), np.frombuffer(contacts), exponent)
    found.flags.writeable = False
    return found


def _chances(priorities: Numbers, propensities: Numbers, contacts: Numbers, exponent: float) -> Numbers:
    best = priorities.max()
    if best <= 0.0 or exponent == 0.0:
        return _shared(priorities == best)
    found = np.zeros(len(priorities))
    some = np.flatnonzero(priorities > 0.0)
    scale = _scales(priorities[some], propensities[some], exponent)
    hopeful = _hopeful(np.minimum(propensities[some], _MEAN_MAX), contacts[some], scale)
    some, scale = some[hopeful], scale[hopeful]
    means = np.minimum(propensities[some], _MEAN_MAX)
    alpha, beta = means * contacts[some], (1.0 - means) * contacts[some]
    lowest, highest = scale * betaincinv(alpha, beta, _CUT), scale * betaincinv(alpha, beta, 1.0 - _CUT)
    floor = lowest.max()
    kept = np.flatnonzero(highest > floor)
    if len(kept) > limits.THOMPSON_CONTENDERS_MAX:
        reach = np.argsort(-highest[kept], kind="stable")
        kept = np.sort(kept[reach[: limits.THOMPSON_CONTENDERS_MAX]])
    if len(kept) < 2:
        found[some] = _shared(highest == highest.max())
        return found
    found[some[kept]] = _split(alpha[kept], beta[kept], scale[kept], float(floor), highest[kept])
    return found


def _shared(among: NDArray[np.bool_]) -> Numbers:
    return among / np.count_nonzero(among)


def _scales(priorities: Numbers, propensities: Numbers, exponent: float) -> Numbers:
    """r^(1/a) of each, the largest being 1: what theta = 1 would be worth."""
    if exponent == 1.0:
        scales = np.minimum(priorities / propensities, sys.float_info.max)
        return np.asarray(scales / scales.max())
    logs = [
        math.log(priority) / exponent - math.log(propensity)
        for priority, propensity in zip(priorities.tolist(), propensities.tolist(), strict=True)
    ]
    largest = max(logs)
    return np.array([math.exp(one - largest) for one in logs])


def _hopeful(means: Numbers, contacts: Numbers, scale: Numbers) -> NDArray[np.intp]:
    """Whom no bound keeps below what the one with the best mean is above: cheaper than a quantile of everybody.

    Chernoff's bound for the Beta distribution, as a ratio of Gamma variables: P(theta >= t) <= exp(-n KL(mean || t)).
    """
    lead = int(np.argmax(scale * means))
    mean, weight = means[lead], contacts[lead]
    floor = scale[lead] * betaincinv(mean * weight, (1.0 - mean) * weight, _CUT)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        least = floor / scale
        distance = means * np.log(means / least) + (1.0 - means) * np.log((1.0 - means) / (1.0 - least))
        far = (least > means) & ~(contacts * distance < -math.log(_CUT))
    return np.flatnonzero(~far)


def _split(alpha: Numbers, beta: Numbers, scale: Numbers, floor: float, highest: Numbers) -> Numbers:
    """The chances of contenders, whose largest is hardly ever below ``floor`` and none hardly ever above its
    ``highest``."""
    top = float(highest.max())
    # A contender that is nearly certain comes close to jumping at its scale: no stretch may lie across that.
    jumps = np.unique(scale[beta < 1.0])[-_JUMPS_MAX:]
    steps = (jumps[:, np.newaxis] * _STEPS).ravel()
    steps = steps[(steps > floor) & (steps < top)]
    points = np.sort(np.concatenate([floor + (top - floor) * _FIRST, steps]))
    looked = np.multiply.reduce(_reached(alpha, beta, scale, highest, points), axis=0)
    looked[0], looked[-1] = 0.0, 1.0
    ends = np.sort(np.concatenate([np.interp(_LEVELS, looked, points), steps]))
    reached = _reached(alpha, beta, scale, highest, ends)
    largest = np.multiply.reduce(reached, axis=0)
    rises = np.maximum(np.diff(np.log(np.maximum(reached, _TINY)), axis=1), 0.0)
    # From 0 on each rises as its power alpha of the distance.
    rises[:, reached[:, :-1].min(axis=0) < _TINY] = alpha[:, np.newaxis]
    together = np.add.reduce(rises, axis=0)
    masses = np.where(together > 0.0, np.diff(largest) / np.where(together > 0.0, together, 1.0), 0.0)
    found = np.add.reduce(rises * masses, axis=1)
    return np.asarray(found / np.add.reduce(found))


def _reached(alpha: Numbers, beta: Numbers, scale: Numbers, highest: Numbers, points: Numbers) -> Numbers:
    """float64[contenders, points]: the distribution function of each at each point; 1 from its ``highest`` on."""
    inside = points < highest[:, np.newaxis]
    found = np.ones(inside.shape)
    betainc(
        alpha[:, np.newaxis], beta[:, np.newaxis], np.minimum(points / scale[:, np.newaxis], 1.0), out=found,
        where=inside,
    )
    return found
