"""How often, and what follows what: contact policies and triggers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from models import limits
from models.catalog.schema.customer import OutcomeType
from models.catalog.schema.fields import Id, RuleText, Shape, Window, Word

_Count = Annotated[int, Field(ge=1, le=limits.CONTACTS_PER_CUSTOMER_MAX)]


class Scope(Shape):
    """Which contacts are meant; all keys given must fit, an empty scope means every contact."""

    channel: Id | None = None
    direction: Literal["inbound", "outbound"] | None = None
    issue: Id | None = None
    group: Id | None = None
    action: Id | None = None
    treatment: Id | None = None


class After(Scope):
    """What a policy waits for: an outcome or event (``rest``), or a contact in a scope (``never``)."""

    outcome: OutcomeType | None = None
    event: Word | None = None
    when: RuleText | None = None
    count: _Count | None = None
    #: Within which the ``count`` must fall; default: the policy's ``rest``.
    window: Window | None = None


class ContactPolicy(Shape):
    """One of four forms: limit+window, after+rest, exclusive+window, never+after+window."""

    id: Id
    scope: Scope | None = None
    limit: _Count | None = None
    window: Window | None = None
    per: Literal["action", "group", "issue", "channel", "treatment", "placement"] | None = None
    after: After | None = None
    rest: Window | None = None
    exclusive: Annotated[list[Id], Field(min_length=2)] | None = None
    never: Id | None = None


class EventOf(Shape):
    event: Word


class Condition(Shape):
    """``event``: this event came. ``contact``: a contact hold in this scope was granted."""

    event: Word | None = None
    contact: Scope | None = None


class PlannedContact(Shape):
    channel: Id
    delay: Window | None = None
    expires: Window
    on_stale: Literal["redecide", "cancel"] = "redecide"
    cancel_on: EventOf | None = None


class Supersede(Shape):
    channel: Id
    within: Window


class Trigger(Shape):
    id: Id
    if_: Condition = Field(alias="if")
    when: RuleText | None = None
    plan: PlannedContact | None = None
    supersede: Supersede | None = None
