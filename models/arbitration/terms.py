"""On what terms a decision is made: which arbitration, which scorer, under which experiments.

The one place where the catalog's settings, the roles of scorers and the customer's experiments meet. Called when a
decision is prepared, live and when it is run again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from models.arbitration.index import PlanIndex
from models.catalog.plan import Arbitration
from models.experiments.assignment import InForce, in_force
from models.immutable import immutable
from models.profile.state import Profile
from models.scoring.roles import Roles


@immutable
class Terms:
    arbitration: Arbitration
    #: The version that scores this decision; None: evidence alone.
    scorer: str | None
    #: (experiment, variant) in force.
    exposures: InForce = ()
    #: Treatment id -> its weight among the fitting ones of its action at its placement, of those that have one.
    treatment_weights: Mapping[str, int] = field(default_factory=dict)


def terms_of(index: PlanIndex, profile: Profile, roles: Roles, channel: str, control_group: str | None) -> Terms:
    """``roles``: those of scorers that fit the plan (``ShardState.active_roles``). ``control_group``: who is held out
    is under no experiment."""
    plan, customer_id = index.plan, profile.customer_id
    exposures = in_force(plan.experiments, profile.experiments, customer_id, channel, control_group)
    settings = index.settings.under(exposures)
    # A variant's scorer that does not fit the plan has no role: then the customer is scored as everybody is.
    scorer = settings.scorer if settings.scorer in roles.named else roles.for_customer(customer_id)
    return Terms(settings.arbitration, scorer, exposures, settings.treatment_weights)
