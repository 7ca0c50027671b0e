"""After ``count`` outcomes, or events, within ``window``: rest. The rest begins at the last of them."""

from __future__ import annotations

from collections.abc import Sequence

from models.arbitration.holds import in_scope, value_per
from models.arbitration.tight import Detail, Tight
from models.catalog.plan import Mask, RestPolicy
from models.profile.state import FALLBACK, Contact
from models.times import format_time


def tight_rest(
    policy: RestPolicy, reach: Mask, ledger: Sequence[Contact], marks: Sequence[int], now_ms: int,
) -> Tight | None:
    """``marks``: times of the events that satisfied an event policy's rule; an event counts for every ``per``."""
    if policy.event:
        until = rest_until(sorted(marks), policy)
        if until <= now_ms:
            return None
        return Tight(policy.id, reach, policy.scope.treatment, "", {"": _detail(policy, until)})
    refused: dict[str, Detail] = {}
    for value, found in times_by_value(policy, ledger).items():
        until = rest_until(sorted(found), policy)
        if until > now_ms:
            refused[value] = _detail(policy, until)
    return Tight(policy.id, reach, policy.scope.treatment, policy.per, refused) if refused else None


def times_by_value(policy: RestPolicy, ledger: Sequence[Contact]) -> dict[str, list[int]]:
    """When the outcomes were that an outcome policy counts, by the value for which it counts them; in no order."""
    times: dict[str, list[int]] = {}
    for contact in ledger:
        if contact.outcomes and contact.state != FALLBACK and in_scope(contact, policy.scope):
            for type_, counted_ms in contact.outcomes:
                if type_ == policy.outcome:
                    times.setdefault(value_per(contact, policy.per), []).append(counted_ms)
    return times


def rest_until(times: Sequence[int], policy: RestPolicy) -> int:
    """When the last rest ends that these ascending times began; 0 when none of them began one."""
    until = 0
    for at in range(policy.count - 1, len(times)):
        if times[at] - times[at - policy.count + 1] < policy.window_ms:
            until = times[at] + policy.rest_ms
    return until


def refusal_text(policy: RestPolicy, until_ms: int) -> str:
    return f"rests after {policy.count} {policy.event or policy.outcome}, next free {format_time(until_ms)}"


def _detail(policy: RestPolicy, until_ms: int) -> Detail:
    return lambda: refusal_text(policy, until_ms)
