"""Many decisions ranked at once: each as if it were alone, under every method and however far a scorer is trusted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.arbitration.choice import METHODS
from models.arbitration.preparation import Preparation
from models.arbitration.priority import rank, rank_all
from models.coordination.messages import Count
from models.scoring.roles import Roles

ACTIONS = [
    {"id": f"a{at}", "value": 1.0 + at % 3, "treatments": [{"id": f"t{at}", "placement": "top", "content": {}}]}
    for at in range(9)
]


def prepared(make_plan: Any, scene_of: Any, method: str) -> list[Preparation]:
    """Of several customers, who are asked about other candidates; one in three has settings of an experiment."""
    plan = make_plan(ACTIONS, arbitration={"exploration": {"method": method, "share": 0.5}})
    scene = scene_of(plan)
    scene.evidence = scene.evidence.with_changes(1, [Count("action", "a1", 5, 20), Count("action", "a2", 0, 700)])
    scene.roles = Roles(1, "v1", manifests={
        "v1": {"actions": {"a0": 200, "a1": 50, "a4": 1_000_000}, "groups": {"g": 200}},
    })
    found = []
    other = replace(plan.arbitration, propensity=0.5)
    for number in range(6):
        one = scene.prepare("web", {"top": 2}, exclude=[f"a{number}"])
        if number % 3 == 2:
            one.arbitration = other
        found.append(one)
    return found


@pytest.mark.parametrize("scored", [False, True])
@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_decision_ranks_in_a_wave_as_it_does_alone(make_plan: Any, scene_of: Any, method: str, scored: bool) -> None:
    found = prepared(make_plan, scene_of, method)
    sizes = [len(one.scored) for one in found]
    scores = np.random.default_rng(1).uniform(0, 1, sum(sizes)).astype(np.float32) if scored else None
    together = rank_all(found, scores)
    for one, ranking, part in zip(found, together, np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1]), strict=True):
        alone = rank(one, None if scores is None else scores[part])
        assert ranking.lead == alone.lead
        assert [ranking[action] for action in ranking] == [alone[action] for action in alone]
        ours, theirs = ranking.beliefs(range(len(ranking))), alone.beliefs(range(len(alone)))
        assert (ours is None) == (theirs is None) == (method != "thompson")
        if ours is not None and theirs is not None:
            assert ours.contacts.tolist() == theirs.contacts.tolist()


def test_a_scorer_is_believed_by_what_it_learnt_from(make_plan: Any, scene_of: Any) -> None:
    one = prepared(make_plan, scene_of, "none")[5]
    ranking = rank(one, np.full(len(one.scored), 0.5, np.float32))
    evidence = dict(enumerate(one.evidence.tolist()))
    # Half of what it did not learn from the action itself it learnt from its group, less where outcomes were counted.
    weights = {
        0: (200 + 0.5 * 200) / 400, 1: (50 + 0.5 * 200 / 1.1) / 250, 2: 0.5 * 200 / 900, 3: 0.5, 4: 1.0,
    }
    for action, weight in weights.items():
        blend = weight * 0.5 + (1 - weight) * evidence[action]
        assert ranking[action].propensity == pytest.approx(blend, abs=1e-4)


def test_evidence_says_how_many_contacts_a_propensity_is_worth(make_plan: Any, scene_of: Any) -> None:
    one = prepared(make_plan, scene_of, "thompson")[0]
    assert one.contacts is not None
    assert one.contacts[:4].tolist() == [20.0, 40.0, 720.0, 20.0]
    with pytest.raises(ValueError, match="read-only"):
        one.contacts[0] = 1.0
