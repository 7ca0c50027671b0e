"""On what terms a decision is made: which arbitration, which scorer, how far that is trusted, under which experiments.

The one place where the catalog's settings, the roles of scorers and the customer's experiments meet. Called when a
decision is prepared, live and when it is run again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.catalog.plan import Arbitration, Plan
from models.immutable import immutable
from models.profile.state import Profile
from models.scoring.roles import Roles


@immutable
class Terms:
    arbitration: Arbitration
    #: The version that scores this decision; None: evidence alone.
    scorer: str | None
    #: float64 per action of the plan: the weight of the scorer against the evidence; None: 1 everywhere.
    trust: NDArray[np.float64] | None = None
    #: (experiment, variant) in force.
    exposures: tuple[tuple[str, str], ...] = ()


def terms_of(plan: Plan, profile: Profile, roles: Roles) -> Terms:
    """``roles``: those of scorers that fit the plan (``ShardState.active_roles``)."""
    return Terms(plan.arbitration, roles.for_customer(profile.customer_id))
