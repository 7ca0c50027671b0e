"""The value of one customer.

Drafts: ``copy()`` is cheap because every component is treated as immutable: whoever changes a window, an entry or a
tuple puts a new one in its place. Only the dicts and lists that a ``Profile`` itself owns are copied.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from models.immutable import immutable
from models.profile.learnt import Exposure, Score

if TYPE_CHECKING:
    from models.catalog.plan import Plan

#: States of the contact hold of a ledger entry.
HELD, CONFIRMED, RELEASED, FALLBACK = "held", "confirmed", "released", "fallback"
#: States of each budget use of a ledger entry.
BUDGET_HELD, BUDGET_SPENT, BUDGET_FREED = "held", "spent", "freed"


@immutable
class Contact:
    """One chosen item in the contact ledger: a hold at first, a contact when confirmed."""

    decision_id: str
    placement: str
    action: str
    treatment: str
    group: str
    issue: str
    channel: str
    direction: str
    decided_ms: int
    hold_expires_ms: int
    accept_outcome: str
    accept_within_ms: int
    #: One of HELD, CONFIRMED, RELEASED; FALLBACK for a fallback item, which no policy counts.
    state: str
    #: (budget id, units, period key, spend_on, state) of its held units, each with a state of its own: BUDGET_HELD,
    #: BUDGET_SPENT or BUDGET_FREED. At most two: the action's use and the treatment's.
    budgets: tuple[tuple[str, int, str, str, str], ...] = ()
    #: When the contact counts; 0 until confirmed.
    confirmed_ms: int = 0
    #: True from the item's first acceptance on.
    accepted: bool = False
    #: True when the response window has ended (``ResponseEnded`` was logged).
    ended: bool = False
    #: Reported outcomes and the system's ``none``: (type, counted_ms), oldest first.
    outcomes: tuple[tuple[str, int], ...] = ()
    #: As of the decision: the probability of acceptance that it was ranked by (None for a fallback), and the scorer
    #: whose scores decided (None: evidence alone).
    propensity: float | None = None
    scorer: str | None = None
    #: The holdout in which the customer was at the decision; None: in none.
    control_group: str | None = None

    def with_(self, **changes: Any) -> Contact:
        return replace(self, **changes)


@dataclass(slots=True)
class Profile:
    customer_id: str
    state_version: int = 0
    #: The turn clock of the newest fact; a customer's clock never runs backwards.
    last_ms: int = 0
    attributes: dict[str, bool | float | str] = field(default_factory=dict)
    consent: dict[str, bool] = field(default_factory=dict)
    #: Feature id -> its aggregate (``models.profile.windows``), which knows the hash of its definition.
    windows: dict[str, Any] = field(default_factory=dict)
    #: Contacts, oldest decision first.
    ledger: list[Contact] = field(default_factory=list)
    #: ``after: {event}`` policy id -> times (ms, ascending) of the events that satisfied its rule.
    marks: dict[str, tuple[int, ...]] = field(default_factory=dict)
    #: Experiment id -> this customer's part in it.
    experiments: dict[str, Exposure] = field(default_factory=dict)
    #: Target id -> its last value for this customer.
    scores: dict[str, Score] = field(default_factory=dict)
    #: Which key generation seals this customer's segments; grows with every erasure.
    generation: int = 1
    #: (decision id, action) -> when time alone acts on that entry (ms). Kept by ``models.profile.ledger``, not packed.
    timers: dict[tuple[str, str], int] = field(default_factory=dict)
    #: The plan to whose definitions every aggregate in ``windows`` is known to conform; None: not known. Not packed.
    fed_under: Plan | None = field(default=None, compare=False, repr=False)
    #: Derived values that a reader may cache (features, predicates). Never packed, never compared; dropped by ``copy``
    #: only in so far as the cache's own rules say (see ``models.profile.cache``).
    cache: Any = field(default=None, compare=False, repr=False)

    def copy(self) -> Profile:
        return Profile(
            self.customer_id, self.state_version, self.last_ms, dict(self.attributes), dict(self.consent),
            dict(self.windows), list(self.ledger), dict(self.marks), dict(self.experiments), dict(self.scores),
            self.generation, dict(self.timers), self.fed_under, self.cache,
        )
