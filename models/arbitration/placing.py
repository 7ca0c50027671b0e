"""Filling the positions of a decision, in request order, rank by rank."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.arbitration.choice import choose
from models.arbitration.contact_policy import ContactJudge
from models.arbitration.preparation import Preparation, Ranked
from models.arbitration.purse import Purse
from models.catalog.plan import Action, Channel, Treatment
from models.profile.facts import ItemChosen
from models.randomness import draw
from models.times import format_time


class Placing:
    """Places items one by one; each one below is judged again with those above it."""

    def __init__(
        self, preparation: Preparation, channel: Channel, ranked: Mapping[int, Ranked], judge: ContactJudge,
        purse: Purse,
    ) -> None:
        actions = preparation.plan.actions
        self._preparation = preparation
        self._hold_expires_ms = preparation.now_ms + channel.hold_ttl_ms
        #: Best first; equal priorities by action id.
        self._order = sorted(ranked.values(), key=lambda one: (-one.priority, actions[one.action].id))
        self._purse = purse
        self._shown: set[int] = set()
        #: Contact policies as they stand below the items placed so far.
        self.judge = judge
        self.items: list[ItemChosen] = []

    def fill(self, placement: str, count: int) -> dict[str, Any]:
        """Fill one placement; returns its part of the answer, with fallbacks where winners are too few."""
        answered: list[dict[str, Any]] = []
        while len(answered) < count:
            rank = len(answered) + 1
            candidates = self._candidates(placement)
            if not candidates:
                break
            drawn = draw(self._preparation.seed, placement, rank)
            exploration = self._preparation.plan.arbitration.exploration
            at, probability = choose(exploration, [one.priority for one, _ in candidates], drawn)
            one, treatment = candidates[at]
            answered.append(self._place(placement, rank, one, treatment, probability))
        for treatment in self._preparation.fallbacks.get(placement, ()):
            if len(answered) >= count:
                break
            if treatment.action not in self._shown:
                answered.append(self._fall_back(placement, len(answered) + 1, treatment))
        return {"placement": placement, "items": answered}

    def _candidates(self, placement: str) -> list[tuple[Ranked, Treatment]]:
        """Who can take the next position, best first; only the mandatory ones if there are any."""
        plan, fitting = self._preparation.plan, self._preparation.fitting[placement]
        judge = None if self.judge.refuses_nothing else self.judge
        found: list[tuple[Ranked, Treatment]] = []
        for one in self._order:
            treatment = fitting.get(one.action)
            if treatment is None or one.action in self._shown or self._purse.lacks(treatment) is not None:
                continue
            if judge is None or judge.refusal(plan.actions[one.action], treatment) is None:
                found.append((one, treatment))
        mandatory = [(one, treatment) for one, treatment in found if plan.actions[one.action].mandatory]
        return mandatory or found

    def _place(
        self, placement: str, rank: int, one: Ranked, treatment: Treatment, probability: float,
    ) -> dict[str, Any]:
        action = self._preparation.plan.actions[one.action]
        self._shown.add(one.action)
        self.judge = self.judge.placing(action, treatment)
        item = ItemChosen(
            placement, rank, action.id, treatment.id, action.group, action.issue, False, probability, one.propensity,
            one.priority, self._hold_expires_ms, action.accept_outcome, action.accept_within_ms,
            self._purse.take(treatment),
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
