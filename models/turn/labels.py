"""Whether an item was accepted, at the moment at which that is settled: when its response window has ended.

A by-product of a turn, for whoever watches scorers: it is not appended, and replay makes none. An acceptance is not
told when it comes but when the window ends, with the silence of the items beside it, so that the accepted share of any
span of time is that of its items. What is reported as accepted after that counts as not accepted here.
"""

from __future__ import annotations

from models.immutable import immutable
from models.profile import ledger
from models.profile.facts import Fact, ResponseEnded
from models.profile.state import Profile


@immutable
class Label:
    """One shown item. ``scorer``: whose scores decided, None where evidence alone did."""

    decision_id: str
    action: str
    channel: str
    scorer: str | None
    #: By which the item was ranked.
    propensity: float
    accepted: bool
    decided_ms: int


def settled(before: Profile | None, fact: Fact) -> Label | None:
    """The label that ``fact`` settles; ``before`` is the customer before it. None for most facts."""
    if type(fact) is not ResponseEnded or before is None:
        return None
    contact = ledger.find(before, fact.decision_id, fact.action)
    if contact is None or contact.propensity is None:
        return None
    return Label(
        contact.decision_id, contact.action, contact.channel, contact.scorer, contact.propensity, contact.accepted,
        contact.decided_ms,
    )
