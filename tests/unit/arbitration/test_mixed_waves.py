"""Decisions of one wave that go by different settings or scorers are ranked as if each were alone, to the byte."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.roles import champion

from models.arbitration.preparation import Preparation
from models.arbitration.priority import rank, rank_all
from models.arbitration.ranking import Ranking
from models.catalog.plan import Arbitration, Plan


def settings(plan: Plan) -> list[Arbitration]:
    rules = plan.arbitration
    return [
        rules, replace(rules, propensity=2.0, value=0.5), replace(rules, context=0.0, lever=3.0),
        replace(rules, exploration=replace(rules.exploration, method="epsilon", share=0.5)),
    ]


def prepared(scene_of: Any, plan: Plan, number: int, arbitration: Arbitration) -> Preparation:
    scene = scene_of(plan)
    learnt = {action.id: 7 * (number % 3) for action in plan.actions}
    scene.roles = champion(f"s{number % 3}", ["action.value"], actions=learnt)
    scene.profile.attributes["loyal"] = bool(number % 2)
    made: Preparation = scene.prepare("web", {"home_hero": 1, "home_strip": 3})
    made.arbitration = arbitration
    return made


def numbers(ranking: Ranking) -> tuple[Any, ...]:
    lead = ranking.lead
    return (list(ranking.values()), ranking.priorities, lead and (lead.action, lead.chance, lead.probability))


@pytest.mark.parametrize("is_scored", [True, False])
def test_a_wave_of_mixed_settings_and_scorers_ranks_each_decision_as_if_it_were_alone(
    scene_of: Any, grocer: Plan, is_scored: bool
) -> None:
    draw = np.random.default_rng(5)
    rules = settings(grocer)
    preparations = [prepared(scene_of, grocer, number, rules[number % len(rules)]) for number in range(12)]
    scores = [draw.random(one.scored.size, np.float32) for one in preparations]
    together = rank_all(preparations, np.concatenate(scores) if is_scored else None)
    alone = [rank(one, own if is_scored else None) for one, own in zip(preparations, scores, strict=True)]
    assert list(map(numbers, together)) == list(map(numbers, alone))
    by_settings = {tuple(numbers(one)[1]) for one in alone}
    assert len(by_settings) > 1, "the settings made no difference"


def test_a_wave_of_one_setting_is_not_cut(scene_of: Any, grocer: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cutting is paid for by mixed waves alone."""
    rules = grocer.arbitration
    preparations = [prepared(scene_of, grocer, 3 * number, rules) for number in range(3)]
    monkeypatch.setattr(np, "split", None)
    zeros = np.zeros(sum(one.scored.size for one in preparations), np.float32)
    assert len(rank_all(preparations, zeros)) == 3
