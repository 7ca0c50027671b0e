"""Filling the positions of a decision, in request order, rank by rank."""

from __future__ import annotations

from typing import Any

from models.arbitration.choice import choose
from models.arbitration.contact_policy import ContactJudge
from models.arbitration.preparation import Preparation
from models.arbitration.purse import Purse
from models.arbitration.ranking import Ranking
from models.catalog.plan import Action, Treatment
from models.profile.facts import ItemChosen
from models.randomness import draw
from models.times import format_time


class Placing:
    """Places items one by one; each one below is judged again with those above it."""

    def __init__(
        self, preparation: Preparation, ranking: Ranking, purse: Purse,
    ) -> None:
        self._preparation = preparation
        self._hold_expires_ms = preparation.moment.now_ms + preparation.asked.channel.hold_ttl_ms
        self._ranking = ranking
        self._purse = purse
        self._shown: set[int] = set()
        #: None before anybody asked.
        self._judge: ContactJudge | None = None
        #: Placed items that ``_judge`` does not know yet.
        self._unjudged: list[tuple[Action, Treatment]] = []
        self.items: list[ItemChosen] = []

    def judge(self) -> ContactJudge:
        """Contact policies as they stand below the items placed so far; worked out when somebody asks."""
        judge = self._preparation.judge if self._judge is None else self._judge
        for action, treatment in self._unjudged:
            judge = judge.placing(action, treatment)
        self._unjudged.clear()
        self._judge = judge
        return judge

    def fill(self, placement: str, count: int) -> dict[str, Any]:
        """Fill one placement; returns its part of the answer, with fallbacks where winners are too few."""
        answered: list[dict[str, Any]] = []
        while len(answered) < count:
            rank = len(answered) + 1
            chosen = self._lead(placement, rank) or self._choice(placement, rank)
            if chosen is None:
                break
            answered.append(self._place(placement, rank, *chosen))
        for treatment in self._preparation.passed.fallbacks.get(placement, ()):
            if len(answered) >= count:
                break
            if treatment.action not in self._shown:
                answered.append(self._fall_back(placement, len(answered) + 1, treatment))
        return {"placement": placement, "items": answered}

    def _lead(self, placement: str, rank: int) -> tuple[int, float] | None:
        """The best of all and its selection probability, when the whole ranking competes for this position and the draw
        falls to it. That is how nearly every position is filled; the answer is ``_choice``'s."""
        prepared, lead = self._preparation, self._ranking.lead
        if lead is None or self._shown or not prepared.is_unrefused or not self._purse.pays_all:
            return None
        if len(prepared.passed.fitting) > 1 or prepared.index.any_mandatory:
            return None
        return (0, lead.probability) if draw(prepared.seed, placement, rank) < lead.chance else None

    def _choice(self, placement: str, rank: int) -> tuple[int, float] | None:
        """The place in the ranking of what takes a position, and its selection probability; None when nothing can."""
        prepared, priorities = self._preparation, self._ranking.priorities
        candidates = self._candidates(placement)
        if not candidates:
            return None
        if len(candidates) < len(priorities):
            priorities = [priorities[place] for place in candidates]
        exploration = prepared.arbitration.exploration
        at, probability = choose(exploration, priorities, draw(prepared.seed, placement, rank))
        return candidates[at], probability

    def _candidates(self, placement: str) -> list[int]:
        """Places in the ranking of who can take the next position, best first; only the mandatory ones if any are."""
        prepared, ranked, shown, purse = self._preparation, self._ranking.actions, self._shown, self._purse
        actions, fitting = prepared.plan.actions, prepared.passed.fitting[placement]
        found = [place for place, action in enumerate(ranked) if action in fitting and action not in shown]
        if not purse.pays_all:
            found = [place for place in found if purse.lacks(fitting[ranked[place]]) is None]
        if not prepared.is_unrefused:
            judge = self.judge()
            if not judge.refuses_nothing:
                found = [
                    place for place in found
                    if judge.refusal(actions[ranked[place]], fitting[ranked[place]]) is None
                ]
        if not prepared.index.any_mandatory:
            return found
        return [place for place in found if actions[ranked[place]].mandatory] or found

    def _place(self, placement: str, rank: int, place: int, probability: float) -> dict[str, Any]:
        ranking, lead = self._ranking, self._ranking.lead if place == 0 else None
        prepared = self._preparation
        action = prepared.plan.actions[ranking.actions[place] if lead is None else lead.action]
        treatment = prepared.passed.fitting[placement][action.index]
        self._shown.add(action.index)
        self._unjudged.append((action, treatment))
        item = ItemChosen(
            placement, rank, action.id, treatment.id, action.group, action.issue, False, probability,
            ranking.propensity(place) if lead is None else lead.propensity,
            ranking.priorities[place] if lead is None else lead.priority, self._hold_expires_ms, action.accept_outcome,
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
