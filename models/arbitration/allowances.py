"""What every contact policy still allows a customer, told for people: the same counts and the same words as a refusal.

One entry says what holds for all that a policy concerns; what stands otherwise (an action that was shown, a group that
was counted) has an entry of its own, named by ``what``. The judge of decisions is ``contact_policy``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from models import limits
from models.arbitration import limit, rest, rivalry
from models.arbitration.contact_policy import LEDGER_RULE
from models.arbitration.holds import Span, last_hold_ms, most_in_a_window, span_of
from models.arbitration.index import PlanIndex
from models.catalog.plan import (
    Channel,
    ContactPolicy,
    ExclusivePolicy,
    LimitPolicy,
    NeverAfterPolicy,
    Plan,
    RestPolicy,
)
from models.catalog.schema.fields import duration_text
from models.immutable import immutable
from models.profile import ledger
from models.profile.state import FALLBACK, Profile
from models.times import format_time

#: The value of an entry for everything that has none of its own.
_ALL: Final = ""


@immutable
class Allowance:
    """What one policy says of one value right now."""

    #: "": all that the policy concerns and that has no entry of its own.
    what: str
    refuses: bool
    detail: str
    #: Contacts that count, of a limit; None for the others.
    used: int | None = None
    #: 0 when nothing is refused.
    next_free_ms: int = 0


def allowances(profile: Profile, index: PlanIndex, now_ms: int) -> list[dict[str, Any]]:
    """``policies`` of ``GET /v1/customers/{id}``: every policy in catalog order. The profile is not changed."""
    plan = index.plan
    spans = [span for contact in profile.ledger if (span := span_of(contact, now_ms)) is not None]
    told: list[dict[str, Any]] = []
    for place, policy in enumerate(plan.policies):
        channels = [channel for channel in plan.channels.values() if place in index.in_channel[channel.id]]
        by_channel = {channel.id: _of_policy(policy, plan, channel, profile, spans, now_ms) for channel in channels}
        for channel_id, entries in _told_once(policy, by_channel):
            told += [_view(policy, channel_id, entry) for entry in entries]
    if not ledger.has_room(profile, plan, now_ms):
        told.append(_full_ledger())
    return told


def _told_once(
    policy: ContactPolicy, by_channel: dict[str, list[Allowance]]
) -> Iterator[tuple[str | None, list[Allowance]]]:
    """Once without a channel where all channels are the same; a policy of one channel names it."""
    own = policy.scope.channel if isinstance(policy, LimitPolicy | RestPolicy) else ""
    entries = list(by_channel.values())
    if entries and not own and all(other == entries[0] for other in entries):
        yield None, entries[0]
    else:
        yield from by_channel.items()


def _of_policy(
    policy: ContactPolicy, plan: Plan, channel: Channel, profile: Profile, spans: Sequence[Span], now_ms: int
) -> list[Allowance]:
    """For a contact that would be held now in this channel."""
    last_ms = last_hold_ms(channel, now_ms)
    if isinstance(policy, LimitPolicy):
        return _of_limit(policy, spans, now_ms, last_ms)
    if isinstance(policy, RestPolicy):
        return _of_rest(policy, profile, now_ms)
    if isinstance(policy, ExclusivePolicy):
        return _of_exclusive(rivalry.near_exclusive(policy, plan, spans, now_ms, last_ms))
    return [_of_rivals(_ALL, rivalry.near_never_after(policy, spans, now_ms))]


def _of_limit(policy: LimitPolicy, spans: Sequence[Span], now_ms: int, last_ms: int) -> list[Allowance]:
    by_value = limit.counted_by_value(policy, spans, now_ms)
    entries = [] if _ALL in by_value else [Allowance(_ALL, False, f"0 of {policy.limit} used", 0)]
    for value, counted in by_value.items():
        used = most_in_a_window(counted, policy.window_ms, now_ms, last_ms)
        if used >= policy.limit:
            free = limit.free_ms(policy, counted, now_ms, last_ms)
            entries.append(Allowance(value, True, limit.refusal_text(policy, used, free), used, free))
        else:
            entries.append(Allowance(value, False, f"{used} of {policy.limit} used", used))
    return entries


def _of_rest(policy: RestPolicy, profile: Profile, now_ms: int) -> list[Allowance]:
    if policy.event:
        return [_resting(policy, _ALL, list(profile.marks.get(policy.id, ())), now_ms)]
    contacts = [contact for contact in profile.ledger if contact.state != FALLBACK]
    by_value = rest.times_by_value(policy, contacts)
    return [_resting(policy, value, times, now_ms) for value, times in {_ALL: [], **by_value}.items()]


def _resting(policy: RestPolicy, value: str, times: list[int], now_ms: int) -> Allowance:
    until_ms = rest.rest_until(sorted(times), policy)
    if until_ms > now_ms:
        return Allowance(value, True, rest.refusal_text(policy, until_ms), next_free_ms=until_ms)
    counted = sum(now_ms - at_ms < policy.window_ms for at_ms in times)
    return Allowance(value, False, f"{counted} {policy.event or policy.outcome} counted, rests after {policy.count}")


def _of_exclusive(near: dict[str, int]) -> list[Allowance]:
    """Who stands near is held back by the others alone."""
    own = [_of_rivals(action, {other: free for other, free in near.items() if other != action}) for action in near]
    return [_of_rivals(_ALL, near), *own]


def _of_rivals(value: str, near: dict[str, int]) -> Allowance:
    if not near:
        return Allowance(value, False, "nothing stands too close")
    return Allowance(value, True, rivalry.refusal_text(near), next_free_ms=max(near.values()))


def _view(policy: ContactPolicy, channel: str | None, entry: Allowance) -> dict[str, Any]:
    return {
        "policy": policy.id, "kind": _KINDS[type(policy)], "channel": channel, "per": _per(policy) or None,
        "what": entry.what or None, "limit": policy.limit if isinstance(policy, LimitPolicy) else None,
        "used": entry.used, "window": duration_text(policy.window_ms),
        "next_free": format_time(entry.next_free_ms) if entry.next_free_ms else None, "refuses": entry.refuses,
        "detail": entry.detail,
    }


_KINDS: Final[dict[type[Any], str]] = {
    LimitPolicy: "limit", RestPolicy: "rest", ExclusivePolicy: "exclusive", NeverAfterPolicy: "never_after",
}


def _per(policy: ContactPolicy) -> str:
    """What ``what`` names."""
    if isinstance(policy, LimitPolicy):
        return policy.per
    if isinstance(policy, RestPolicy):
        return "" if policy.event else policy.per
    return "action"


def _full_ledger() -> dict[str, Any]:
    most = limits.CONTACTS_PER_CUSTOMER_MAX
    return {
        "policy": LEDGER_RULE, "kind": "limit", "channel": None, "per": None, "what": None, "limit": most,
        "used": most, "window": None, "next_free": None, "refuses": True,
        "detail": f"the contact ledger is full at {most} contacts",
    }
