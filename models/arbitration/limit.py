"""``limit`` contacts in any ``window``: no hold is granted that could put one more into one."""

from __future__ import annotations

from collections.abc import Sequence

from models.arbitration.holds import Span, in_scope, most_in_a_window, next_free_ms, value_per
from models.arbitration.tight import Detail, Tight
from models.catalog.plan import LimitPolicy, Mask
from models.times import format_time


def tight_limit(policy: LimitPolicy, reach: Mask, spans: Sequence[Span], now_ms: int, last_ms: int) -> Tight | None:
    """``last_ms``: the last instant of the hold that would be taken now."""
    refused: dict[str, Detail] = {}
    for value, counted in counted_by_value(policy, spans, now_ms).items():
        if len(counted) < policy.limit:
            continue
        used = most_in_a_window(counted, policy.window_ms, now_ms, last_ms)
        if used >= policy.limit:
            refused[value] = _detail(policy, counted, used, now_ms, last_ms)
    return Tight(policy.id, reach, policy.scope.treatment, policy.per, refused) if refused else None


def counted_by_value(policy: LimitPolicy, spans: Sequence[Span], now_ms: int) -> dict[str, list[Span]]:
    """What a window that holds ``now_ms`` can count, by the value for which the policy counts it."""
    by_value: dict[str, list[Span]] = {}
    for span in spans:
        if span.last_ms + policy.window_ms > now_ms and in_scope(span, policy.scope):
            by_value.setdefault(value_per(span, policy.per), []).append(span)
    return by_value


def free_ms(policy: LimitPolicy, counted: list[Span], now_ms: int, last_ms: int) -> int:
    """When the policy would grant such a hold, if nobody confirms what is open."""
    return next_free_ms(counted, policy.window_ms, policy.limit, now_ms, last_ms - now_ms + 1)


def refusal_text(policy: LimitPolicy, used: int, next_free: int) -> str:
    return f"{used} of {policy.limit} used, next free {format_time(next_free)}"


def _detail(policy: LimitPolicy, counted: list[Span], used: int, now_ms: int, last_ms: int) -> Detail:
    return lambda: refusal_text(policy, used, free_ms(policy, counted, now_ms, last_ms))
