"""Filling the positions of a decision, in request order, rank by rank."""

from __future__ import annotations

from typing import Any

from models.arbitration.above import Above
from models.arbitration.chances import contest, drawn, drawn_treatment
from models.arbitration.preparation import Preparation
from models.arbitration.ranking import Ranking
from models.canonical import significant
from models.catalog.plan import Action, Treatment
from models.profile.facts import ItemChosen
from models.randomness import draw
from models.times import format_time


class Placing:
    """Places items one by one; each one below is judged again with those above it."""

    def __init__(self, preparation: Preparation, ranking: Ranking, above: Above) -> None:
        self._preparation = preparation
        self._hold_expires_ms = preparation.moment.now_ms + preparation.asked.channel.hold_ttl_ms
        self._ranking = ranking
        self._above = above
        self.items: list[ItemChosen] = []

    def fill(self, placement: str, count: int) -> dict[str, Any]:
        """Fill one placement; returns its part of the answer, with fallbacks where winners are too few."""
        answered: list[dict[str, Any]] = []
        while len(answered) < count:
            rank = len(answered) + 1
            item = self._lead(placement, rank) or self._choice(placement, rank)
            if item is None:
                break
            answered.append(item)
        for treatment in self._preparation.passed.fallbacks.get(placement, ()):
            if len(answered) >= count:
                break
            if treatment.action not in self._above.shown:
                answered.append(self._fall_back(placement, len(answered) + 1, treatment))
        return {"placement": placement, "items": answered}

    def _lead(self, placement: str, rank: int) -> dict[str, Any] | None:
        """The best of all, when the whole ranking competes for this position and the draw falls to it. That is how
        nearly every position is filled; the answer is ``_choice``'s."""
        prepared, lead, above = self._preparation, self._ranking.lead, self._above
        if lead is None or above.shown or not prepared.is_unrefused or not above.purse.pays_all:
            return None
        passed = prepared.passed
        if len(passed.fitting) > 1 or prepared.index.any_mandatory or passed.drawn:
            return None
        if draw(prepared.seed, placement, rank) >= lead.chance:
            return None
        treatment = passed.fitting[placement][lead.action]
        return self._place(placement, rank, 0, treatment, lead.probability)

    def _choice(self, placement: str, rank: int) -> dict[str, Any] | None:
        """Whom the draw gives the position, with a treatment of its own; None when nobody can take it."""
        prepared, ranking, above = self._preparation, self._ranking, self._above
        found = contest(ranking, above, placement)
        if found is None:
            return None
        place, chance = drawn(prepared, found, placement, rank)
        options = above.options(placement, ranking.actions[place])
        treatment, share = drawn_treatment(prepared, options, placement, rank)
        return self._place(placement, rank, place, treatment, significant(chance * share))

    def _place(
        self, placement: str, rank: int, place: int, treatment: Treatment, probability: float
    ) -> dict[str, Any]:
        ranking, lead = self._ranking, self._ranking.lead if place == 0 else None
        action = self._preparation.plan.actions[treatment.action]
        item = ItemChosen(
            placement, rank, action.id, treatment.id, action.group, action.issue, False, probability,
            ranking.propensity(place) if lead is None else lead.propensity,
            ranking.priorities[place] if lead is None else lead.priority, self._hold_expires_ms, action.accept_outcome,
            action.accept_within_ms, self._above.put(action, treatment),
        )
        return self._answer(item, treatment)

    def _fall_back(self, placement: str, rank: int, treatment: Treatment) -> dict[str, Any]:
        action: Action = self._preparation.plan.actions[treatment.action]
        self._above.shown.add(treatment.action)
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
