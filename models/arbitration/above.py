"""What the items of a decision leave for the position below them: whom contact policies, budgets and they themselves
still admit.

Filling positions (``placing``) and telling every chance of one (``chances``) both ask here, so that what is drawn and
what is told are one thing.
"""

from __future__ import annotations

from models.arbitration.contact_policy import ContactJudge
from models.arbitration.funnel import Options
from models.arbitration.preparation import Preparation
from models.arbitration.purse import Purse
from models.catalog.plan import Action, Treatment

#: (budget id, units, period key, spend_on)
Held = tuple[tuple[str, int, str, str], ...]


class Above:
    """Grows by ``put``; the preparation stays as it is."""

    __slots__ = ("_judge", "_preparation", "_unjudged", "purse", "shown")

    def __init__(self, preparation: Preparation, purse: Purse) -> None:
        self._preparation = preparation
        self.purse = purse
        #: Indexes of the actions placed so far, fallbacks too.
        self.shown: set[int] = set()
        #: None before anybody asked.
        self._judge: ContactJudge | None = None
        #: Placed items that ``_judge`` does not know yet.
        self._unjudged: list[tuple[Action, Treatment]] = []

    def judge(self) -> ContactJudge:
        """Contact policies as they stand below the items placed so far; worked out when somebody asks."""
        judge = self._preparation.judge if self._judge is None else self._judge
        for action, treatment in self._unjudged:
            judge = judge.placing(action, treatment)
        self._unjudged.clear()
        self._judge = judge
        return judge

    def put(self, action: Action, treatment: Treatment) -> Held:
        """Place an item that is no fallback; returns the budget units that it holds."""
        self.shown.add(action.index)
        self._unjudged.append((action, treatment))
        return self.purse.take(treatment)

    def candidates(self, placement: str, ranked: list[int]) -> list[int]:
        """Places in ``ranked`` (action indexes, best first) of who can take the next position there, in order; only the
        mandatory ones if any are."""
        prepared, shown = self._preparation, self.shown
        passed = prepared.passed
        fitting = passed.fitting[placement]
        found = [place for place, action in enumerate(ranked) if action in fitting and action not in shown]
        if passed.drawn.get(placement):
            found = [place for place in found if self.options(placement, ranked[place])]
        else:
            found = self._passing(fitting, ranked, found)
        if not prepared.index.any_mandatory:
            return found
        actions = prepared.plan.actions
        return [place for place in found if actions[ranked[place]].mandatory] or found

    def options(self, placement: str, action: int) -> Options:
        """Of the treatments with which an action may take the next position there, those that pass: with weights."""
        prepared = self._preparation
        found = prepared.passed.options(placement, action)
        if not self.purse.pays_all:
            found = tuple([one for one in found if self.purse.lacks(one[0]) is None])
        if not prepared.is_unrefused:
            judge = self.judge()
            if not judge.refuses_nothing:
                known = prepared.plan.actions[action]
                found = tuple([one for one in found if judge.refusal(known, one[0]) is None])
        return found

    def _passing(self, fitting: dict[int, Treatment], ranked: list[int], places: list[int]) -> list[int]:
        """Those whose one treatment can be paid and is refused by no policy."""
        prepared, purse = self._preparation, self.purse
        if not purse.pays_all:
            places = [place for place in places if purse.lacks(fitting[ranked[place]]) is None]
        if not prepared.is_unrefused:
            judge = self.judge()
            if not judge.refuses_nothing:
                actions = prepared.plan.actions
                places = [
                    place for place in places
                    if judge.refusal(actions[ranked[place]], fitting[ranked[place]]) is None
                ]
        return places
