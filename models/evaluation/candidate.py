"""What another catalog or another scorer would have done in place of a logged decision.

The candidate meets the customer as it was, with the evidence, the free budget units and (where nothing else is said)
the roles of scorers of that moment. It is asked position by position, with the items above as they were logged: so its
probability of a position is conditional on what really stood above, and the product of those ratios above a position is
how many times likelier the candidate makes what stands there (``above``).

What it cannot know stays as it was: a feature that only the new catalog has begins empty, as it would on the day of its
publication; a budget that the log did not consult has units; a decision for which scores did not come in time is made
without scores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.arbitration import deciding
from models.arbitration.above import Above
from models.arbitration.chances import Chance, position_chances
from models.arbitration.preparation import Misfit, Preparation
from models.arbitration.ranking import Ranking
from models.catalog.plan import Plan
from models.errors import BadInput
from models.profile import features
from models.profile.facts import ItemChosen
from models.scoring.booster import Booster
from models.scoring.manifest import unresolved
from models.scoring.matrix import Layout
from models.scoring.roles import Roles
from models.turn.replay import Replayed

#: Units of a budget that the log did not consult.
_PLENTY: Final = 2**53


@dataclass(frozen=True, slots=True)
class Step:
    """A position at which the log showed an item that was drawn."""

    item: ItemChosen
    above: float
    #: (action, treatment) -> probability; what lacks to 1 is the probability that the candidate shows nothing.
    chances: Mapping[tuple[str, str], float]


@dataclass(frozen=True, slots=True)
class Considered:
    steps: tuple[Step, ...]
    #: Positions where the log showed a fallback or nothing, and the candidate would show an item.
    unseen: int


class Candidate:
    def __init__(
        self, plan: Plan | None, scorer: str | None, named: tuple[str, ...], load: Callable[[str], Booster]
    ) -> None:
        """``plan``: None: the one of each decision. ``scorer``: the version that scores everybody; None: as the roles
        were. ``named``: versions that the plan's experiments name. ``load``: a version's trees; raises as the registry
        does."""
        self._plan = plan
        self._scorer = scorer
        self._named = named
        self._load = load
        self._boosters: dict[str, Booster] = {}
        self._layouts: dict[tuple[str, str], Layout] = {}
        self._roles: tuple[Roles, Plan, Roles] | None = None

    def consider(self, met: Replayed) -> Considered | None:
        """None when the request does not fit the candidate's catalog, or its scorer not that of the decision."""
        plan, fact = self._plan or met.plan, met.fact
        roles = self._roles_for(met.roles, plan)
        if self._scorer is not None and roles.champion is None:
            return None
        prepared = deciding.prepare(met.before, plan, fact.request, fact.seed, met.now_ms, met.evidence, roles)
        if isinstance(prepared, Misfit):
            return None
        scores = None if fact.degraded else self._scores(prepared, met)
        ranking, above = deciding.opening(prepared, scores, lambda budget, _: fact.free.get(budget, _PLENTY))
        return _walk(prepared, ranking, above, met)

    def _scores(self, prepared: Preparation, met: Replayed) -> NDArray[np.float32] | None:
        version, fact, plan = prepared.scorer, met.fact, prepared.plan
        if version is None or not prepared.scored.size:
            return None
        if (version, plan.version) == (fact.scorer_version, fact.catalog_version) and fact.scores and (
            prepared.scored.tobytes() == fact.candidates
        ):
            return np.frombuffer(fact.scores, np.float32)
        booster, layout = self._booster(version), self._layout(version, plan)
        record = features.read(prepared.profile, plan, met.now_ms).record()
        vector = layout.customer_vector(record, fact.request["channel"], met.now_ms)
        # As a turn does: a scorer reads the evidence as the catalog weighs it, whatever a variant makes of that.
        return booster.predict(layout.rows(vector, prepared.scored, met.evidence.propensities(plan)))

    def _booster(self, version: str) -> Booster:
        if version not in self._boosters:
            self._boosters[version] = self._load(version)
        return self._boosters[version]

    def _layout(self, version: str, plan: Plan) -> Layout:
        key = (version, plan.version)
        if key not in self._layouts:
            self._layouts[key] = Layout(self._booster(version).manifest.features, plan)
        return self._layouts[key]

    def _roles_for(self, roles: Roles, plan: Plan) -> Roles:
        """The roles of those scorers that fit the plan, under this candidate."""
        if self._roles is not None and self._roles[0] is roles and self._roles[1] is plan:
            return self._roles[2]
        known = {version: self._booster(version).manifest.to_wire() for version in self._named}
        if self._scorer is not None:
            manifest = self._booster(self._scorer).manifest.to_wire()
            found = Roles(max(roles.number, 1), self._scorer, named=self._named, targets=roles.targets,
                          manifests={**roles.manifests, **known, self._scorer: manifest})
        else:
            named = tuple(dict.fromkeys([*roles.named, *self._named]))
            found = replace(roles, named=named, manifests={**roles.manifests, **known})
        manifests: Mapping[str, dict[str, Any]] = found.manifests
        found = found.keeping(lambda version: not unresolved(manifests[version]["features"], plan))
        self._roles = (roles, plan, found)
        return found


def fitting(scorer: Booster, plan: Plan) -> None:
    """Raises ``BadInput`` with the difference when a scorer does not fit a plan."""
    reasons = unresolved(scorer.manifest.features, plan)
    if reasons:
        raise BadInput(
            f"scorer {scorer.manifest.version} does not fit catalog {plan.version}; name a scorer that was trained on "
            "it, or a catalog that declares what the scorer reads",
            [{"loc": ["features"], "msg": reason} for reason in reasons],
        )


def _walk(prepared: Preparation, ranking: Ranking, above: Above, met: Replayed) -> Considered:
    """Position by position in request order, as the decision was filled."""
    steps: list[Step] = []
    likelier, unseen = 1.0, 0
    for asked in met.fact.request["placements"]:
        logged = [item for item in met.fact.items if item.placement == asked["id"]]
        for at in range(asked["count"]):
            item = logged[at] if at < len(logged) else None
            told = position_chances(prepared, ranking, above, asked["id"]) if likelier > 0.0 else []
            if item is not None and not item.fallback:
                steps.append(Step(item, likelier, _by_id(prepared.plan, told)))
                likelier *= _put(prepared.plan, above, item, told)
                continue
            if told:
                unseen += 1
                likelier = 0.0  # the candidate never leaves this position to a fallback
            if item is None:
                break
            if item.action in prepared.plan.action_index:
                above.shown.add(prepared.plan.action_index[item.action])
    return Considered(tuple(steps), unseen)


def _put(plan: Plan, above: Above, item: ItemChosen, told: list[Chance]) -> float:
    """Place the logged item; the ratio of its probabilities, 0 when the candidate would never place it."""
    for chance in told:
        action = plan.actions[chance.action]
        if (action.id, chance.treatment.id) == (item.action, item.treatment):
            above.put(action, chance.treatment)
            return chance.probability / item.selection_probability
    return 0.0


def _by_id(plan: Plan, told: list[Chance]) -> dict[tuple[str, str], float]:
    return {(plan.actions[chance.action].id, chance.treatment.id): chance.probability for chance in told}
