"""One user's calls, through the package's client, each timed and noted.

In an open loop the clock of a call starts when it was due, not when it could be sent. A call that the client had to
repeat (with the same ids) is one call, and took as long as its caller waited.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from cluster.client import ClientError, Decision, Event, Kairos, Refused, Unreachable
from loadtests.users.desk import Desk
from loadtests.users.shelf import Channel, Shown

T = TypeVar("T")
#: Tells Locust of a call: name, milliseconds, what went wrong.
Tell = Callable[[str, float, Exception | None], None]
#: From this status on, as without any answer, it may have been done.
_MAYBE: Final = 500


class Caller:
    def __init__(self, client: Kairos, desk: Desk, tell: Tell) -> None:
        self._client = client
        self._tell = tell
        self.desk: Final = desk
        #: When the next call was due; None in a closed loop.
        self.due_s: float | None = None

    def decide(self, customer: str, channel: Channel, event: Mapping[str, Any] | None = None) -> list[Shown] | None:
        """What is to be shown; None when there was no decision."""
        request_id = self.desk.fresh("r")
        nested = None if event is None else {"event_id": self.desk.fresh("e"), **event}
        decision = self._timed("decisions", lambda: self._client.decide(
            customer, channel.id, channel.placements, request_id=request_id, event=nested,  # type: ignore[arg-type]
        ))
        if decision is None:
            return None
        self.desk.record.decided(decision.degraded, self.desk.slice())
        self._note(customer, "decision", str(decision.decision_id))
        if nested is not None:
            self._note(customer, "event", nested["event_id"])
        return _shown(customer, decision)

    def events(self, events: Sequence[tuple[str, str, Mapping[str, Any]]]) -> bool:
        """(customer, type, properties) each; False when the call failed."""
        bodies: list[Event] = [
            {"event_id": self.desk.fresh("e"), "customer_id": customer, "type": kind, "time": self.desk.now(),
             "properties": dict(properties)}
            for customer, kind, properties in events
        ]
        results = self._timed("events", lambda: self._client.send_events(bodies))
        for body, result in zip(bodies, results or (), strict=results is not None):
            if result.status == "rejected":
                self._refused("events", result.error)
            else:
                self._note(body["customer_id"], "event", body["event_id"])
        return results is not None

    def outcomes(self, outcomes: Sequence[tuple[Shown, str]]) -> bool:
        """(item, type) each, at the time of their decision; False when the call failed."""
        shelf, record = self.desk.shelf, self.desk.record
        bodies = [
            {"outcome_id": self.desk.fresh("o"), "decision_id": item.decision_id, "action": item.action, "type": kind,
             "time": item.time}
            for item, kind in outcomes
        ]
        results = self._timed(
            "outcomes", lambda: self._client.send_outcomes(bodies),  # type: ignore[arg-type]
        )
        for place, (item, kind) in enumerate(outcomes):
            units = item.units(kind, shelf)
            result = None if results is None else results[place]
            if result is None or result.status == "rejected":
                if result is None or (result.error or {}).get("status", 400) >= _MAYBE:
                    _add(record.unresolved, units)
                if result is not None:
                    self._refused("outcomes", result.error)
                continue
            _add(record.spent, units)
            record.unfunded += not result.funded
            item.note(kind, shelf)
            self._note(item.customer, "outcome", bodies[place]["outcome_id"])
        return results is not None

    def _timed(self, call: str, send: Callable[[], T]) -> T | None:
        """The answer; None when the call failed for good, which is noted."""
        desk, begun_s, self.due_s = self.desk, self.due_s or time.perf_counter(), None
        try:
            answer = send()
        except ClientError as error:
            what, failure = _kind(error), error
        else:
            seconds = time.perf_counter() - begun_s
            desk.record.answered(call, seconds, desk.slice())
            self._tell(call, seconds * 1_000, None)
            return answer
        desk.record.failed(call, what, desk.slice())
        self._tell(call, (time.perf_counter() - begun_s) * 1_000, failure)
        return None

    def _refused(self, call: str, problem: Mapping[str, Any] | None) -> None:
        self.desk.record.failed(call, f"rejected: {(problem or {}).get('title', '?')}", self.desk.slice())

    def _note(self, customer: str, kind: str, id_: str) -> None:
        self.desk.record.items[kind] += 1
        self.desk.acknowledged.note(customer, kind, id_)


def _kind(error: ClientError) -> str:
    if isinstance(error, Refused):
        return f"{error.status} {error.problem.get('title') or ''}".strip()
    return f"no answer: {error.reason.partition(':')[0]}" if isinstance(error, Unreachable) else type(error).__name__


def _add(counts: Counter[str], units: Sequence[tuple[str, int]]) -> None:
    for budget, count in units:
        counts[budget] += count


def _shown(customer: str, decision: Decision) -> list[Shown]:
    return [
        Shown(customer, str(decision.decision_id), decision.time, item.action, item.treatment, item.fallback)
        for item in decision.items
    ]
