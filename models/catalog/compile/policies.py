"""Contact policies: each of the four forms as its own value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from models.catalog import plan
from models.catalog.compile.rule_table import RuleTable
from models.catalog.schema import policies
from models.catalog.schema.fields import parse_duration_ms


def compile_policy(
    policy: policies.ContactPolicy, action_index: Mapping[str, int], rules: RuleTable,
) -> plan.ContactPolicy:
    window_ms = parse_duration_ms(policy.window) if policy.window else 0
    if policy.exclusive is not None:
        actions = frozenset(action_index[name] for name in policy.exclusive)
        return plan.ExclusivePolicy(policy.id, actions, window_ms)
    if policy.never is not None:
        assert policy.after is not None
        return plan.NeverAfterPolicy(
            policy.id, frozenset({action_index[policy.never]}), _scope(policy.after), window_ms,
        )
    if policy.after is not None:
        return _rest(policy, policy.after, rules)
    assert policy.limit is not None
    return plan.LimitPolicy(policy.id, _scope(policy.scope), policy.limit, window_ms, policy.per or "")


def _rest(policy: policies.ContactPolicy, after: policies.After, rules: RuleTable) -> plan.RestPolicy:
    assert policy.rest is not None
    return plan.RestPolicy(
        id=policy.id, scope=_scope(policy.scope), outcome=after.outcome or "", event=after.event or "",
        when=rules.add(after.when), count=after.count or 1,
        window_ms=parse_duration_ms(after.window or policy.rest), rest_ms=parse_duration_ms(policy.rest),
        per=policy.per or "",
    )


def _scope(scope: policies.Scope | None) -> plan.Scope:
    if scope is None:
        return plan.Scope()
    return plan.Scope(
        scope.channel or "", scope.direction or "", scope.issue or "", scope.group or "", scope.action or "",
        scope.treatment or "",
    )


def longest_window_ms(found: Iterable[plan.ContactPolicy]) -> int:
    """How far back a contact can still matter to a policy; a rest counts from outcomes that fell within its window."""
    return max((_reach_ms(policy) for policy in found), default=0)


def _reach_ms(policy: plan.ContactPolicy) -> int:
    return policy.window_ms + (policy.rest_ms if isinstance(policy, plan.RestPolicy) else 0)


def rests_by_event(found: Iterable[plan.ContactPolicy]) -> dict[str, tuple[plan.RestPolicy, ...]]:
    waiting: dict[str, tuple[plan.RestPolicy, ...]] = {}
    for policy in found:
        if isinstance(policy, plan.RestPolicy) and policy.event:
            waiting[policy.event] = (*waiting.get(policy.event, ()), policy)
    return waiting
