"""What stands between the two halves of a decision, and what it ends in. Values only; see ``deciding``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.arbitration.asking import Asked
from models.arbitration.contact_policy import ContactJudge
from models.arbitration.funnel import Funnel
from models.arbitration.index import PlanIndex
from models.arbitration.moment import Moment
from models.arbitration.purse import Purse
from models.arbitration.ranking import Ranked
from models.arbitration.ruling import Ruling
from models.catalog.plan import Arbitration, Mask, Plan
from models.immutable import immutable
from models.profile.facts import ItemChosen
from models.profile.predicates import Standing
from models.profile.state import Profile

#: The gates in the order of the contract's funnel. ``budget`` and what follows are judged by ``deciding.resolve``.
GATES = (
    "candidates", "request", "control_group", "valid", "eligibility", "applicability", "suitability", "consent",
    "quiet_hours", "treatment", "contact_policy", "budget", "ranked", "chosen",
)
#: How many of ``GATES`` ``deciding.prepare`` judges.
GATES_PREPARED = GATES.index("budget")

Weights = NDArray[np.float64]
_NO_ERRORS: Final[Mapping[int, str]] = {}
_NOBODY: Final[Mapping[int, int]] = {}


class Preparation:
    """Everything about a decision that can be judged before scores and free budget units are known.

    Nearly all of it is shared with other decisions (``asked``, ``passed``, ``moment``); what only explanations read is
    worked out when one asks. Its profile must not change before the decision is answered.
    """

    __slots__ = (
        "_judge", "arbitration", "asked", "contacts", "context_weights", "control_group", "evidence",
        "evidence_version", "exposures", "index", "is_unrefused", "moment", "passed", "profile", "refused", "request",
        "ruling", "scored", "scorer", "seed", "standing", "state_version", "treatment_weights", "trust",
    )

    def __init__(
        self, index: PlanIndex, moment: Moment, asked: Asked, request: dict[str, Any], seed: bytes, profile: Profile,
        standing: Standing,
    ) -> None:
        self.index = index
        self.moment = moment
        self.asked = asked
        self.request = request
        self.seed = seed
        self.profile = profile
        self.standing = standing
        #: Of the profile before the decision.
        self.state_version = profile.state_version
        #: Filled by ``deciding.prepare``.
        self.control_group: str | None
        #: What the decision goes by; the plan's own unless an experiment says otherwise.
        self.arbitration: Arbitration
        #: The version that scores this decision; None: evidence alone.
        self.scorer: str | None
        #: Per action of the plan: the weight of the scorer against the evidence; None: 1 everywhere.
        self.trust: Weights | None
        #: Per action of the plan: how many contacts its propensity is worth; None unless exploration asks for that.
        self.contacts: Weights | None
        #: (experiment, variant) in force.
        self.exposures: tuple[tuple[str, str], ...]
        #: Treatment id -> its weight among the fitting ones of its action at its placement, of those that have one.
        self.treatment_weights: Mapping[str, int]
        self.passed: Funnel
        #: What evaluated rules for this decision alone; None when nothing had to be.
        self.ruling: Ruling | None
        #: No contact policy can refuse any item of this decision, whatever is placed above it.
        self.is_unrefused: bool
        #: Action index -> place of the policy that refused it first (``contact_policy.LEDGER_PLACE``: the full ledger),
        #: of those who fell out at ``contact_policy``.
        self.refused: Mapping[int, int] = _NOBODY
        #: uint16 indexes (plan order, ascending) of the actions that remain: what a scorer scores.
        self.scored: NDArray[np.uint16]
        #: Per scored action; None when all are 1.
        self.context_weights: Weights | None = None
        self.evidence_version: int
        #: Per action of the plan.
        self.evidence: NDArray[np.float64]
        self._judge: ContactJudge | None = None

    @property
    def plan(self) -> Plan:
        return self.index.plan

    @property
    def now_ms(self) -> int:
        return self.moment.now_ms

    @property
    def judge(self) -> ContactJudge:
        """The contact policies above all items; made at the first question, while the profile is as it was."""
        if self._judge is None:
            self._judge = ContactJudge(
                self.index, self.asked.channel, self.profile, self.moment.now_ms, self.passed.remaining["treatment"],
                self.asked.positions,
            )
        return self._judge

    @property
    def remaining(self) -> dict[str, Mask]:
        """Gate -> mask of the actions (plan order) that remain after it, up to ``contact_policy``."""
        admitted = np.zeros(len(self.plan.actions), np.bool_)
        admitted[self.scored] = True
        return {**self.passed.remaining, "contact_policy": admitted}

    @property
    def rule_errors(self) -> Mapping[int, str]:
        """Rule index -> what went wrong when it was evaluated for this decision."""
        return self.standing.errors if self.ruling is None else self.ruling.errors

    @property
    def weight_errors(self) -> Mapping[int, str]:
        """The same for context weights."""
        return _NO_ERRORS if self.ruling is None else self.ruling.weight_errors


@immutable
class Misfit:
    """In place of a preparation: the request does not fit the plan."""

    #: A problem object (422).
    problem: dict[str, Any]


@immutable
class Verdict:
    """What was chosen. ``items`` holds fallbacks too."""

    items: tuple[ItemChosen, ...]
    #: Budget id -> units that were free for this decision, of every budget that was consulted.
    free: dict[str, int]
    #: The answer in the contract's field order; the turn fills ``decision_id`` and ``state_version`` (None here).
    body: dict[str, Any]
    #: Action index -> its numbers, of those that passed every gate.
    ranked: Mapping[int, Ranked]
    #: Action index -> (budget id, what was missing) of those that the budget gate removed.
    dry: Mapping[int, tuple[str, str]]
    #: float32 per ``Preparation.scored``, as logged; None: evidence decided.
    scores: bytes | None
    #: Contact policies and budgets as they stood below the last item: why what is not chosen fell out.
    judge: Callable[[], ContactJudge]
    purse: Purse
