"""What stands between the two halves of a decision, and what it ends in. Values only; see ``deciding``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.arbitration.contact_policy import ContactJudge
from models.arbitration.purse import Needs, Purse
from models.arbitration.ranking import Ranked
from models.catalog.plan import Channel, Mask, Plan, Treatment
from models.immutable import immutable
from models.profile.facts import ItemChosen
from models.profile.predicates import Standing

#: The gates in the order of the contract's funnel. ``budget`` and what follows are judged by ``deciding.resolve``.
GATES = (
    "candidates", "request", "control_group", "valid", "eligibility", "applicability", "suitability", "consent",
    "quiet_hours", "treatment", "contact_policy", "budget", "ranked", "chosen",
)
#: How many of ``GATES`` ``deciding.prepare`` judges.
GATES_PREPARED = GATES.index("budget")

_NOBODY: Final[NDArray[np.uint16]] = np.zeros(0, np.uint16)
_NO_EVIDENCE: Final[NDArray[np.float64]] = np.zeros(0)


@dataclass(slots=True)
class Preparation:
    """Everything about a decision that can be judged before scores and free budget units are known."""

    plan: Plan
    request: dict[str, Any]
    seed: bytes
    now_ms: int
    #: ``state_version`` before the decision.
    state_version: int
    evidence_version: int
    #: A problem object (422) when the request does not fit the plan; nothing below is filled then.
    problem: dict[str, Any] | None
    channel: Channel | None = None
    control_group: str | None = None
    #: Gate -> mask of the actions (plan order) that remain after it, up to ``contact_policy``.
    remaining: dict[str, Mask] = field(default_factory=dict)
    #: Requested placement -> action index -> its first treatment there whose ``when`` holds.
    fitting: dict[str, dict[int, Treatment]] = field(default_factory=dict)
    #: Requested placement -> the treatments of its fallback actions that may be shown, in order.
    fallbacks: dict[str, tuple[Treatment, ...]] = field(default_factory=dict)
    judge: ContactJudge | None = None
    #: What the fitting treatments cost, each sum of units once.
    needs: tuple[Needs, ...] = ()
    standing: Standing | None = None
    #: Rule index -> what went wrong when it was evaluated for this decision.
    rule_errors: dict[int, str] = field(default_factory=dict)
    weight_errors: dict[int, str] = field(default_factory=dict)
    #: Indexes (plan order, ascending) of the actions that remain: what a scorer scores.
    scored: NDArray[np.uint16] = field(default_factory=lambda: _NOBODY)
    #: Per scored action.
    context_weights: tuple[float, ...] = ()
    evidence: NDArray[np.float64] = field(default_factory=lambda: _NO_EVIDENCE)


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
    #: "scorer" or "evidence".
    propensity_source: str
    #: Contact policies and budgets as they stood below the last item: why what is not chosen fell out.
    judge: Callable[[], ContactJudge]
    purse: Purse
