"""Which actions a customer's contact policies forbid right now (``architecture.md``, Holds)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.catalog.plan import Plan


class ContactJudge:
    """The contact policies of one channel, judged over one customer's ledger and what this decision placed."""


def event_marks(plan: Plan, context: Any, event: Mapping[str, Any]) -> tuple[str, ...]:
    """Ids of the ``after: {event, when}`` policies that this event satisfies, for ``EventApplied.marks``.

    ``context`` is a ``cel.Context`` (``Standing.context``, or a bare one); ``event`` is the event as rules see it.
    """
    raise NotImplementedError
