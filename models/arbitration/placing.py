"""Filling the positions of a decision, in request order, rank by rank."""

from __future__ import annotations

from typing import Any

from models.arbitration.choice import choose
from models.arbitration.contact_policy import ContactJudge
from models.arbitration.index import index_for
from models.arbitration.preparation import Preparation
from models.arbitration.purse import Purse
from models.arbitration.ranking import Ranking
from models.catalog.plan import Action, Channel, Treatment
from models.profile.facts import ItemChosen
from models.randomness import draw
from models.times import format_time


class Placing:
    """Places items one by one; each one below is judged again with those above it."""

    def __init__(
        self, preparation: Preparation, channel: Channel, ranking: Ranking, judge: ContactJudge, purse: Purse,
    ) -> None:
        self._preparation = preparation
        self._hold_expires_ms = preparation.now_ms + channel.hold_ttl_ms
        self._ranking = ranking
        self._purse = purse
        self._shown: set[int] = set()
        self._judge = judge
        #: Placed items that ``_judge`` does not know yet.
        self._unjudged: list[tuple[Action, Treatment]] = []
        self.items: list[ItemChosen] = []

    def judge(self) -> ContactJudge:
        """Contact policies as they stand below the items placed so far; worked out when somebody asks."""
        for action, treatment in self._unjudged:
            self._judge = self._judge.placing(action, treatment)
        self._unjudged.clear()
        return self._judge

    def fill(self, placement: str, count: int) -> dict[str, Any]:
        """Fill one placement; returns its part of the answer, with fallbacks where winners are too few."""
        answered: list[dict[str, Any]] = []
        while len(answered) < count:
            rank = len(answered) + 1
            candidates = self._candidates(placement)
            if not candidates:
                break
            priorities = self._ranking.priorities
            if len(candidates) < len(priorities):
                priorities = [priorities[place] for place in candidates]
            drawn = draw(self._preparation.seed, placement, rank)
            exploration = self._preparation.plan.arbitration.exploration
            at, probability = choose(exploration, priorities, drawn)
            answered.append(self._place(placement, rank, candidates[at], probability))
        for treatment in self._preparation.fallbacks.get(placement, ()):
            if len(answered) >= count:
                break
            if treatment.action not in self._shown:
                answered.append(self._fall_back(placement, len(answered) + 1, treatment))
        return {"placement": placement, "items": answered}

    def _candidates(self, placement: str) -> list[int]:
        """Places in the ranking of who can take the next position, best first; only the mandatory ones if any are."""
        plan, fitting = self._preparation.plan, self._preparation.fitting[placement]
        ranked, shown, purse = self._ranking.actions, self._shown, self._purse
        if not shown and len(self._preparation.fitting) == 1:
            found = list(range(len(ranked)))
        else:
            found = [place for place, action in enumerate(ranked) if action in fitting and action not in shown]
        if not purse.pays(self._preparation.needs):
            found = [place for place in found if purse.lacks(fitting[ranked[place]]) is None]
        judge = self.judge()
        if not judge.refuses_nothing:
            found = [
                place for place in found
                if judge.refusal(plan.actions[ranked[place]], fitting[ranked[place]]) is None
            ]
        if not index_for(plan).any_mandatory:
            return found
        return [place for place in found if plan.actions[ranked[place]].mandatory] or found

    def _place(self, placement: str, rank: int, place: int, probability: float) -> dict[str, Any]:
        ranking = self._ranking
        action = self._preparation.plan.actions[ranking.actions[place]]
        treatment = self._preparation.fitting[placement][action.index]
        self._shown.add(action.index)
        self._unjudged.append((action, treatment))
        item = ItemChosen(
            placement, rank, action.id, treatment.id, action.group, action.issue, False, probability,
            ranking.propensity(place), ranking.priorities[place], self._hold_expires_ms, action.accept_outcome,
            action.accept_within_ms, self._purse.take(treatment),
        )
        return self._answer(item, treatment)

    def _fall_back(self, placement: str, rank: int, treatment: Treatment) -> dict[str, Any]:
        action: Action = self._preparation.plan.actions[treatment.action]
        self._shown.add(treatment.action)
        item = ItemChosen(
            placement, rank, action.id, treatment.id, action.group, action.issue, True, 1.0, None, None, 0,
            action.accept_outcome, action.accept_within_ms,
        )
        return self._answer(item, treatment)

    def _answer(self, item: ItemChosen, treatment: Treatment) -> dict[str, Any]:
        self.items.append(item)
        holds = not item.fallback and not self._preparation.request["dry_run"]
        return {
            "rank": item.rank, "action": item.action, "treatment": item.treatment, "fallback": item.fallback,
            "content": treatment.content, "propensity": item.propensity, "priority": item.priority,
            "selection_probability": item.selection_probability,
            "hold_expires": format_time(item.hold_expires_ms) if holds else None,
        }
