"""What numbers are called, and which policies let a contact pass, agrees with the plan that decides."""

from __future__ import annotations

from simulation.catalog import plan

from models.arbitration.contact_policy import LEDGER_RULE
from models.arbitration.index import PlanIndex
from models.catalog.plan import LimitPolicy, RestPolicy
from models.insight.names import Chosen, Names


def test_a_contact_is_granted_by_every_policy_that_could_have_refused_it() -> None:
    index, names = PlanIndex(plan()), Names.of(plan())
    policies, seen = plan().policies, set[str]()
    for action in plan().actions:
        for treatment in action.treatments:
            item = Chosen(treatment.channel, action.id, treatment.id, action.group, action.issue)
            could = [
                policy.id for place, policy in enumerate(policies)
                if index.reach[place][action.index] and place in index.in_channel[treatment.channel]
                and not (isinstance(policy, LimitPolicy | RestPolicy) and policy.scope.treatment)
            ]
            assert list(names.concerning(item)) == could
            seen.update(could)
    assert seen == {policy.id for policy in policies}


def test_names_are_in_the_order_by_which_facts_count_and_survive_being_kept() -> None:
    names = Names.of(plan())
    again = Names.from_wire(names.to_wire())
    assert again.actions == tuple(action.id for action in plan().actions)
    assert again.budgets == tuple(plan().budgets)
    assert again.refusing(1) == plan().policies[1].id
    assert again.refusing(-1) == LEDGER_RULE
    assert again.fallbacks == {action.id for action in plan().actions if action.fallback}
    assert again.to_wire() == names.to_wire()
