"""Every call of the contract as another tenant would make it, about what this tenant has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from unit.scoring.scoring_catalog import catalog

from actors.gateway.routes import ROUTES
from models import limits

WHO: Final = "hh-1229"
NOW: Final = "2026-01-01T00:00:00Z"
EVENT: Final = {"event_id": "e-1", "customer_id": WHO, "type": "visit", "time": NOW}
#: With all the time that a loaded machine takes.
ASKED: Final = {"request_id": "r-1", "customer_id": WHO, "channel": "web", "placements": [{"id": "hero"}],
                "deadline_ms": limits.DEADLINE_MS_MAX}
HISTORY: Final = {"source": "f", "first_position": 0, "events": [{"customer_id": WHO, "type": "visit", "time": NOW}]}

#: Calls about what all tenants share, or about nobody: by scope alone. (Of ``live`` the newest decisions are those of
#: the caller's tenant: see the tests of the insight calls.)
SHARED: Final = frozenset({
    "catalog", "publish", "budgets", "cap", "clock", "set clock", "scorers", "promote", "shadow", "canary", "retire",
    "rollback", "experiments", "experiment", "caller", "live", "funnel", "status", "healthz", "readyz", "metrics",
    "openapi", "docs", "stream",
})
#: Calls that another tenant's key is refused outright.
REFUSED: Final = frozenset({"journal"})


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    path: str
    body: Any = None

    @property
    def frame(self) -> str:
        """Its name over the stream."""
        return self.path.removeprefix("/v1/")


def about(decision_id: str, action: str) -> Iterator[tuple[str, Call]]:
    """(route's name, call): what a caller can say about a customer, or about a decision whose id came to its ears."""
    customer = f"/v1/customers/{WHO}"
    for number, named in enumerate(({"decision_id": decision_id}, {"customer_id": WHO})):
        outcome = {"outcome_id": f"o-{number}", "action": action, "type": "click", "time": NOW} | named
        yield "outcomes", Call("POST", "/v1/outcomes", {"outcomes": [outcome]})
    yield "explanation", Call("GET", f"/v1/decisions/{decision_id}/explanation")
    yield "decision", Call("GET", f"/v1/decisions/{decision_id}")
    yield "rerun", Call("POST", f"/v1/decisions/{decision_id}:rerun")
    yield "customer", Call("GET", customer)
    yield "customer", Call("GET", f"{customer}?policies=true")
    yield "customer", Call("GET", f"{customer}?as_of=1&policies=true")
    yield "timeline", Call("GET", f"{customer}/timeline")
    yield "explanations", Call("POST", "/v1/explanations", ASKED | {"request_id": "r-2"})
    yield "explanations", Call("POST", "/v1/explanations", ASKED | {"request_id": "r-2", "as_of": 1})
    yield "decisions", Call("POST", "/v1/decisions", ASKED | {"dry_run": True, "explain": True})
    yield "whatif", Call("POST", "/v1/whatif", {"catalog": catalog(), "requests": [ASKED, ASKED | {"channel": "app"}]})
    yield "whatif", Call("POST", "/v1/whatif", {"catalog": catalog(), "sample": {"size": 5}})
    yield "events", Call("POST", "/v1/events", {"events": [EVENT, EVENT | {"type": "other"}]})
    yield "history", Call("POST", "/v1/history", HISTORY)
    yield "decisions", Call("POST", "/v1/decisions", ASKED)
    yield "decisions", Call("POST", "/v1/decisions", ASKED | {"context": {"page": "/"}})
    yield "decisions:batch", Call("POST", "/v1/decisions:batch", {"requests": [ASKED, ASKED | {"request_id": "r-3"}]})
    yield "attributes", Call("PUT", f"{customer}/attributes", {"town": "Bern"})
    yield "consent", Call("PUT", f"{customer}/consent", {"marketing": True})
    yield "customer", Call("GET", customer)
    yield "timeline", Call("GET", f"{customer}/timeline")
    yield "erase", Call("DELETE", customer)
    yield "erase", Call("DELETE", customer)
    yield "customer", Call("GET", customer)


def covered() -> frozenset[str]:
    return frozenset(name for name, _ in about("d", "a")) | SHARED | REFUSED


def names_of_routes() -> frozenset[str]:
    return frozenset(route.name for route in ROUTES)
