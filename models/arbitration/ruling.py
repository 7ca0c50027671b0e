"""Rules as one decision sees them: standing results gathered at once, what a request can change evaluated once each."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.arbitration.index import PlanIndex
from models.catalog import rules
from models.catalog.plan import Mask
from models.profile.predicates import Standing
from models.times import local_datetime

_NONE: Final[frozenset[int]] = frozenset()


class Ruling:
    """Results of the plan's rules for one decision."""

    def __init__(self, index: PlanIndex, standing: Standing, request: dict[str, Any], now_ms: int) -> None:
        self._index = index
        self.standing = standing
        self._context = standing.context
        self._weights = standing.weights.copy()
        self._bound = False
        self._request = request
        self._now_ms = now_ms
        #: Over ``plan.rules``, and one True at the end, which the index -1 (no rule) finds. Made when first needed.
        self._results: Mask | None = None
        self._pending: Mask = index.pending
        #: Rule index -> what went wrong.
        self.errors: dict[int, str] = standing.errors.copy()
        #: The same for context weights: a rule may be right as one and wrong as the other.
        self.weight_errors: dict[int, str] = {}
        if standing.errors:
            weighed = standing.weights.keys() & standing.errors.keys()
            self.weight_errors = {rule: standing.errors[rule] for rule in weighed}

    @property
    def asked(self) -> frozenset[int]:
        """The rules about the request itself that were evaluated, so that their answers are this decision's alone."""
        if self._pending is self._index.pending:
            return _NONE
        return frozenset(np.flatnonzero(self._index.pending & ~self._pending).tolist())

    def holds(self, rule: int) -> bool:
        """Whether a rule (-1: none, which holds) is true."""
        if self._pending[rule]:
            self._evaluate(rule)
        return bool(self._gathered()[rule])

    def gate(self, rule_of: NDArray[np.int32], alive: Mask) -> Mask:
        """``alive`` without the actions whose rule (per action, -1: none) is not true."""
        waiting = alive & self._pending[rule_of]
        if waiting.any():
            for rule in np.unique(rule_of[waiting]):
                self._evaluate(int(rule))
        passed: Mask = alive & self._gathered()[rule_of]
        return passed

    def weight(self, rule: int) -> float:
        """A ``context_weight``; 1.0 without a rule and when it errs (as a negative or infinite number does)."""
        if rule < 0:
            return 1.0
        known = self._weights.get(rule)
        if known is None:
            self._bind()
            known, error = rules.number(self._index.plan.rules[rule], self._context)
            self._weights[rule] = known
            if error:
                self.weight_errors[rule] = error
        return known

    def _gathered(self) -> Mask:
        if self._results is None:
            self._results = np.append(self.standing.results, True)
        return self._results

    def _evaluate(self, rule: int) -> None:
        self._bind()
        if self._pending is self._index.pending:
            self._pending = self._pending.copy()
        result, error = rules.evaluate_or_error(self._index.plan.rules[rule], self._context)
        self._gathered()[rule] = result
        self._pending[rule] = False
        if error:
            self.errors[rule] = error

    def _bind(self) -> None:
        """Tell the shared context what this request brings; once, and only when a rule asks."""
        if self._bound:
            return
        self._bound = True
        add = self._context.add_variable
        add("context", self._request["context"])
        add("event", self._request["event"] or {})
        add("world", {})
        add("now", local_datetime(self._now_ms, self._index.plan.zone))
