"""A contact policy that refuses something right now, whatever its form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from models.arbitration.holds import treatment_value_per
from models.catalog.plan import Action, Mask, Treatment

#: Says why, in the words of an explanation; computed only when somebody asks.
Detail = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Tight:
    policy_id: str
    #: The actions that it can refuse (plan order).
    reach: Mask
    #: "" or the only treatment that it concerns.
    treatment: str
    #: What ``refused`` is keyed by: a ``per`` of the catalog ("" is the customer).
    per: str
    refused: Mapping[str, Detail]

    def judge(self, action: Action, treatment: Treatment) -> Detail | None:
        """Why this treatment of this action is refused; None when it is not."""
        if not self.reach[action.index] or self.treatment not in ("", treatment.id):
            return None
        return self.refused.get(treatment_value_per(treatment, action.id, action.group, action.issue, self.per))
