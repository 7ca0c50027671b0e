"""When a contact may happen: the ledger seen as time spans, and how many of them one window can hold.

An open hold may become a contact at any instant in which it is open, a confirmed contact is one instant. A window
[t, t + W) can hold a span [first, last] exactly when first - W < t <= last; the spans of one window choose their
instants independently, so the worst window holds as many contacts as the most spans that share one such t.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from models import limits
from models.catalog.plan import Channel, Scope, Treatment
from models.immutable import immutable
from models.profile.state import CONFIRMED, HELD, Contact


@immutable
class Span:
    """One contact that policies count, from its first to its last possible instant (both inclusive, ms)."""

    first_ms: int
    last_ms: int
    action: str
    group: str
    issue: str
    channel: str
    direction: str
    treatment: str
    placement: str
    #: True when no instant before ``last_ms`` is settled: an open hold, which ends by itself if nobody confirms.
    open: bool


def last_hold_ms(channel: Channel, now_ms: int) -> int:
    """The last instant at which a hold that is taken now in this channel can still be confirmed."""
    return now_ms + channel.hold_ttl_ms + limits.HOLD_GRACE_MS - 1


def span_of(contact: Contact, now_ms: int) -> Span | None:
    """None for what no policy counts: fallbacks, released holds, and holds that time has released."""
    if contact.state == CONFIRMED:
        first = last = contact.confirmed_ms
    elif contact.state == HELD:
        first, last = contact.decided_ms, contact.hold_expires_ms + limits.HOLD_GRACE_MS - 1
        if last < now_ms:
            return None
    else:
        return None
    return Span(
        first, last, contact.action, contact.group, contact.issue, contact.channel, contact.direction,
        contact.treatment, contact.placement, contact.state == HELD,
    )


def in_scope(item: Span | Contact, scope: Scope) -> bool:
    return (
        scope.channel in ("", item.channel) and scope.direction in ("", item.direction)
        and scope.issue in ("", item.issue) and scope.group in ("", item.group)
        and scope.action in ("", item.action) and scope.treatment in ("", item.treatment)
    )


def value_per(item: Span | Contact, per: str) -> str:
    """What a limit ``per`` something counts this contact for; "" is the customer."""
    return str(getattr(item, per)) if per else ""


def treatment_value_per(treatment: Treatment, action_id: str, group: str, issue: str, per: str) -> str:
    """The same value for a contact that does not exist yet."""
    match per:
        case "":
            return ""
        case "action":
            return action_id
        case "group":
            return group
        case "issue":
            return issue
        case "channel":
            return treatment.channel
        case "placement":
            return treatment.placement
        case _:
            return treatment.id


def most_in_a_window(spans: Iterable[Span], window_ms: int, first_ms: int, last_ms: int) -> int:
    """The most of ``spans`` that one window can hold together with a new span [first_ms, last_ms]."""
    edges: list[tuple[int, int]] = []
    for span in spans:
        begin = max(span.first_ms, first_ms) - window_ms + 1
        end = min(span.last_ms, last_ms)
        if begin <= end:
            edges.append((begin, 1))
            edges.append((end + 1, -1))
    edges.sort()
    most = depth = 0
    for _, step in edges:
        depth += step
        most = max(most, depth)
    return most


def next_free_ms(spans: Sequence[Span], window_ms: int, limit: int, now_ms: int, length_ms: int) -> int:
    """The earliest instant at which a hold of ``length_ms`` would be granted, if nobody confirms what is open now."""
    frees = {span.last_ms + 1 if span.open else span.last_ms + window_ms for span in spans}
    for at in sorted(free for free in frees if free > now_ms):
        left = [s for s in spans if at < (s.last_ms + 1 if s.open else s.last_ms + window_ms)]
        if most_in_a_window(left, window_ms, at, at + length_ms - 1) < limit:
            return at
    return now_ms
