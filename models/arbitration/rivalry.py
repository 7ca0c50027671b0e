"""Policies between actions: ``exclusive`` ones keep a distance from each other, ``never`` ones come too soon ``after``.

A policy restricts the hold that is being taken. ``exclusive`` looks both ways along the spans of the others;
``never`` looks back: what it names is refused within the window after any instant at which the other may have been
shown, and does not itself hold the other back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.arbitration.holds import Span, in_scope
from models.arbitration.tight import Detail, Tight
from models.catalog.plan import ExclusivePolicy, Mask, NeverAfterPolicy, Plan
from models.times import format_time


def tight_exclusive(
    policy: ExclusivePolicy, reach: Mask, plan: Plan, spans: Sequence[Span], now_ms: int, last_ms: int,
) -> Tight | None:
    """``last_ms``: the last instant of the hold that would be taken now."""
    near = near_exclusive(policy, plan, spans, now_ms, last_ms)
    refused: dict[str, Detail] = {}
    for member in [plan.actions[index].id for index in policy.actions] if near else ():
        others = {action: free for action, free in near.items() if action != member}
        if others:
            refused[member] = _detail(others)
    return Tight(policy.id, reach, "", "action", refused) if refused else None


def tight_never_after(
    policy: NeverAfterPolicy, reach: Mask, plan: Plan, spans: Sequence[Span], now_ms: int,
) -> Tight | None:
    near = near_never_after(policy, spans, now_ms)
    if not near:
        return None
    detail = _detail(near)
    return Tight(policy.id, reach, "", "action", {plan.actions[index].id: detail for index in policy.actions})


def near_exclusive(
    policy: ExclusivePolicy, plan: Plan, spans: Sequence[Span], now_ms: int, last_ms: int,
) -> dict[str, int]:
    """Members that stand too close to a hold that would be taken now, each with when it no longer does."""
    members = {plan.actions[index].id for index in policy.actions}
    near: dict[str, int] = {}
    for span in spans:
        overlaps = span.last_ms + policy.window_ms > now_ms and span.first_ms - last_ms < policy.window_ms
        if overlaps and span.action in members:
            near[span.action] = max(near.get(span.action, 0), _free_ms(span, policy.window_ms))
    return near


def near_never_after(policy: NeverAfterPolicy, spans: Sequence[Span], now_ms: int) -> dict[str, int]:
    """Actions after which it is too soon now, each with when it no longer is."""
    near: dict[str, int] = {}
    for span in spans:
        if span.last_ms + policy.window_ms > now_ms and in_scope(span, policy.after):
            near[span.action] = max(near.get(span.action, 0), _free_ms(span, policy.window_ms))
    return near


def refusal_text(near: Mapping[str, int]) -> str:
    return f"too close to {', '.join(sorted(near))}, next free {format_time(max(near.values()))}"


def _free_ms(span: Span, window_ms: int) -> int:
    return span.last_ms + 1 if span.open else span.last_ms + window_ms


def _detail(near: dict[str, int]) -> Detail:
    return lambda: refusal_text(near)
