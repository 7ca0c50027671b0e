"""What a turn is asked to do, and what it answers. Both cross the wire as msgpack, never as pickled objects."""

from __future__ import annotations

from typing import Any, Final

from models.immutable import immutable

#: Kinds of commands that may write. The body is what the contract's model dumps (see ``models.messages``), with every
#: time already an integer under ``*_ms``.
EVENT: Final = "event"
DECISION: Final = "decision"
OUTCOME: Final = "outcome"
ATTRIBUTES: Final = "attributes"
CONSENT: Final = "consent"
ERASE: Final = "erase"
#: An event of a history import: ``event_id`` is ``<source>:<position>``; may be of any age.
HISTORY: Final = "history"
#: Fire what is due for this customer (sent by the shard to itself).
TICK: Final = "tick"
#: Log what the scorers of targets say of this customer (sent by the shard to itself).
REFRESH: Final = "refresh"
#: Kinds that only read.
PROFILE: Final = "profile"
#: A dry run with its explanation: the body is a decision request.
EXPLAIN: Final = "explain"
#: Reads that need the journal; the actor answers them outside the turn.
TIMELINE: Final = "timeline"
EXPLANATION: Final = "explanation"
#: What a decision was asked and answered; and the same decided again, for whoever wants to see that it is the same.
PAST_DECISION: Final = "past_decision"
RERUN: Final = "rerun"
#: The customer with what policies still allow (``policies``), now or as of a moment (``as_of``).
STANDING: Final = "standing"
#: A decision request with ``as_of``: a dry run on the customer, catalog, evidence and roles of that moment.
EXPLAIN_PAST: Final = "explain_past"

#: Kinds that the actor answers beside its turns.
BESIDE: Final = frozenset({TIMELINE, EXPLANATION, PAST_DECISION, RERUN, STANDING, EXPLAIN_PAST})
WRITES: Final = frozenset({EVENT, DECISION, OUTCOME, ATTRIBUTES, CONSENT, ERASE, HISTORY, TICK, REFRESH})


@immutable
class Command:
    kind: str
    #: 16 bytes, see ``models.ids``.
    customer: bytes
    #: Empty where only a decision id names the customer.
    customer_id: str
    body: dict[str, Any]
    #: Echoed in problems.
    request_id: str = ""
    #: Wall milliseconds at which the answer stops being useful; 0 for none. Compared by the actor's real clock,
    #: never by the decision's clock.
    deadline_ms: int = 0
    #: Whose customer it is, from the credential of the caller alone; "" only where the shard asks itself. A shard
    #: refuses what comes from outside and does not fit (see ``actors.shard.admission``).
    tenant: str = ""

    def to_wire(self) -> list[Any]:
        return [
            self.kind, self.customer, self.customer_id, self.body, self.request_id, self.deadline_ms, self.tenant,
        ]

    @classmethod
    def from_wire(cls, wire: list[Any]) -> Command:
        return cls(*wire)


@immutable
class Reply:
    """``body`` is msgpack. For event and outcome commands it is the item's result object (``{"event_id", "status",
    "state_version", ...}``) and ``status`` is 200 even when the item is rejected; elsewhere a status that is not 200
    comes with a problem object."""

    status: int
    body: bytes

    def to_wire(self) -> list[Any]:
        return [self.status, self.body]

    @classmethod
    def from_wire(cls, wire: list[Any]) -> Reply:
        return cls(*wire)


def problem(
    status: int, title: str, detail: str, *, type_: str = "about:blank", request_id: str = "",
    errors: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """A problem object (RFC 9457) in the field order of the contract."""
    return {
        "type": type_, "title": title, "status": status, "detail": detail, "request_id": request_id,
        "errors": errors or [],
    }
