"""The Python client of Kairos, sync and async, over HTTP or the stream. It loads neither Ray nor the engine.

    from cluster.client import AsyncKairos

    async with AsyncKairos("http://127.0.0.1:8000", key) as kairos:
        decision = await kairos.decide("hh-1", "web", ["home_hero"], timeout_s=0.5)

Every call that fails raises a ``ClientError``: ``Refused`` with the server's problem, or ``Unreachable``. Calls are
repeated with the same ids, where the contract allows it, until ``timeout_s`` is up.
"""

from cluster.client.answers import (
    Applied,
    Budget,
    Catalog,
    CatalogPublished,
    Clock,
    Customer,
    CustomerVersion,
    Decision,
    DecisionResult,
    EventResult,
    Explanation,
    Item,
    JournalPage,
    OutcomeResult,
    PastDecision,
    PlacementFilled,
    Receipt,
    Rerun,
    RoleChanged,
    Scorer,
    Status,
    TimelineItem,
)
from cluster.client.asynchronous import AsyncKairos
from cluster.client.bodies import (
    DecisionRequest,
    Event,
    HistoryEvent,
    NestedEvent,
    Outcome,
    OutcomeType,
    PlacementAsked,
)
from cluster.client.errors import (
    ClientError,
    Closed,
    Conflict,
    Invalid,
    NotFound,
    Refused,
    Unauthorised,
    Unavailable,
    Unreachable,
)
from cluster.client.retry import NO_RETRY, RetryPolicy
from cluster.client.synchronous import Kairos
from cluster.client.wire import AsyncTransport, Lost, Reply, Request, SyncTransport

__all__ = [
    "NO_RETRY", "Applied", "AsyncKairos", "AsyncTransport", "Budget", "Catalog", "CatalogPublished", "ClientError",
    "Clock", "Closed", "Conflict", "Customer", "CustomerVersion", "Decision", "DecisionRequest", "DecisionResult",
    "Event", "EventResult", "Explanation", "HistoryEvent", "Invalid", "Item", "JournalPage", "Kairos", "Lost",
    "NestedEvent", "NotFound", "Outcome", "OutcomeResult", "OutcomeType", "PastDecision", "PlacementAsked",
    "PlacementFilled", "Receipt", "Refused", "Reply", "Request", "Rerun", "RetryPolicy", "RoleChanged", "Scorer",
    "Status", "SyncTransport", "TimelineItem", "Unauthorised", "Unavailable", "Unreachable",
]
