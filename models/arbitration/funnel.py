"""What the gates before the contact policies leave, kept for the next customer for whom the same holds.

Those gates are a function of the rules that hold for the customer, of what is asked, of the catalog's clock, and of
what the rules about the request itself say. The next decision with the same of all these gets the same masks; where
rules about the request were asked, they are asked for it first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.arbitration.asking import Asked
from models.arbitration.fates import after_gates
from models.arbitration.gates import consents, fallback_treatments, first_fitting, static_gates, weighted_fitting
from models.arbitration.index import PlanIndex
from models.arbitration.moment import Moment
from models.arbitration.purse import Needs
from models.arbitration.ruling import Ruling
from models.catalog.plan import Mask, Treatment
from models.profile.predicates import Standing
from models.profile.state import Profile

#: Treatments that may take a position for their action, each with its weight in the draw among them.
Options = tuple[tuple[Treatment, int], ...]
#: Of what does not depend on the request's context and event.
Situation = tuple[bytes, str, tuple[str, ...], bool, bool, bool, int, frozenset[tuple[str, int]]]
#: With what the rules about the request say, in the order of ``PlanIndex.request_rules``.
Key = tuple[Situation, tuple[bool, ...]]

_UNWEIGHTED: Final[frozenset[tuple[str, int]]] = frozenset()


@dataclass(frozen=True, slots=True)
class Funnel:
    """Shared by decisions: never changed."""

    #: Gate -> mask of the actions (plan order) that remain after it, up to ``treatment``.
    remaining: Mapping[str, Mask]
    #: Requested placement -> action index -> its first treatment there whose ``when`` holds; where treatments have
    #: weights, the first of those that may be drawn.
    fitting: dict[str, dict[int, Treatment]]
    #: Requested placement -> action index -> what may be drawn, where that is more than one; no empty entries.
    drawn: dict[str, dict[int, Options]]
    #: Actions of which treatments fit that all have weight 0, at some placement.
    muted: frozenset[int]
    #: Requested placement -> the treatments of its fallback actions that may be shown, in order.
    fallbacks: dict[str, tuple[Treatment, ...]]
    #: Indexes of the actions that remain, and per such action the rule of its context weight.
    actions: NDArray[np.uint16]
    weight_rules: tuple[int, ...]
    #: Some action has a rule for its context weight.
    is_weighed: bool
    #: What the fitting treatments cost, each sum of units once.
    needs: tuple[Needs, ...]
    #: What became of every action, where nothing after ``treatment`` removes anybody (``models.arbitration.fates``).
    fates: bytes

    def options(self, placement: str, action: int) -> Options:
        """The fitting treatments of an action that may take a position there; the action is one of ``fitting``'s."""
        drawn = self.drawn.get(placement)
        found = None if drawn is None else drawn.get(action)
        return ((self.fitting[placement][action], 1),) if found is None else found

    def treatments(self, action: int) -> list[Treatment]:
        """All that may be shown of an action, in the order of the request."""
        return [
            treatment for placement, fitting in self.fitting.items() if action in fitting
            for treatment, _ in self.options(placement, action)
        ]


def funnel(
    index: PlanIndex, moment: Moment, asked: Asked, standing: Standing, profile: Profile, request: dict[str, Any],
    control: str | None, weights: Mapping[str, int],
) -> tuple[Funnel, Ruling | None]:
    """The funnel of a decision; ``request`` fits the plan. With the rules that had to be judged for it, if any.
    ``weights``: of the treatments that have one."""
    channel = asked.channel
    situation: Situation = (
        standing.results.tobytes(), channel.id, asked.placements,
        control is not None, consents(channel, profile), channel.id in moment.quiet, moment.era,
        frozenset(weights.items()) if weights else _UNWEIGHTED,
    )
    if request["exclude"]:
        ruling = Ruling(index, standing, request, moment.now_ms)
        return _made(index, ruling, moment, asked, profile, request, control, weights), ruling
    rules = index.request_rules.get(situation, ())
    judged = Ruling(index, standing, request, moment.now_ms) if rules else None
    key = situation, () if judged is None else tuple([judged.holds(rule) for rule in rules])
    known = index.funnels.get(key)
    if known is not None:
        return known, judged
    ruling = judged or Ruling(index, standing, request, moment.now_ms)
    made = _made(index, ruling, moment, asked, profile, request, control, weights)
    needed = ruling.asked
    if max(len(index.funnels), len(index.request_rules)) >= index.funnels_max:
        index.funnels.clear()
        index.request_rules.clear()
    if needed <= set(rules):
        index.funnels[key] = made
    else:
        # Next time all of these are asked beforehand: then what they say tells this funnel from its siblings.
        index.request_rules[situation] = tuple(sorted(needed))
    return made, ruling


def _made(
    index: PlanIndex, ruling: Ruling, moment: Moment, asked: Asked, profile: Profile, request: dict[str, Any],
    control: str | None, weights: Mapping[str, int],
) -> Funnel:
    channel = asked.channel
    remaining = static_gates(index, ruling, channel, profile, request, control, moment)
    fitting = {id_: first_fitting(index, ruling, id_, remaining["quiet_hours"]) for id_ in asked.placements}
    drawn: dict[str, dict[int, Options]] = {}
    muted: set[int] = set()
    if weights:
        for id_ in asked.placements:
            weighted = weighted_fitting(index, ruling, id_, remaining["quiet_hours"], weights)
            drawn[id_], silent = _weigh(fitting[id_], weighted)
            muted |= silent
    treated = np.zeros(len(index.plan.actions), np.bool_)
    for found in fitting.values():
        treated[list(found)] = True
    remaining["treatment"] = treated
    fallbacks: dict[str, tuple[Treatment, ...]] = {}
    if consents(channel, profile) and channel.id not in moment.quiet:
        fallbacks = {
            id_: fallback_treatments(index, ruling, id_, request, moment.now_ms) for id_ in asked.placements
        }
    actions = np.flatnonzero(treated).astype(np.uint16)
    actions.flags.writeable = False
    rules = tuple(index.plan.context_weight[actions].tolist())
    costs = {treatment.costs for found in fitting.values() for treatment in found.values()}
    costs |= {one.costs for found in drawn.values() for options in found.values() for one, _ in options}
    return Funnel(
        remaining, fitting, {id_: found for id_, found in drawn.items() if found}, frozenset(muted), fallbacks, actions,
        rules, max(rules, default=-1) >= 0, tuple(sorted(costs - {()})), after_gates(tuple(remaining.values())),
    )


def _weigh(
    fitting: dict[int, Treatment], weighted: Mapping[int, Options]
) -> tuple[dict[int, Options], set[int]]:
    """Put into ``fitting`` what weights say; returns what is left to be drawn, and who has nothing to show."""
    drawn: dict[int, Options] = {}
    silent: set[int] = set()
    for action, options in weighted.items():
        if not options:
            del fitting[action]
            silent.add(action)
            continue
        fitting[action] = options[0][0]
        if len(options) > 1:
            drawn[action] = options
    return drawn, silent
