"""Batches: elements that a shard could not answer are asked again under their ids, the others never."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from cluster.client.call import Call
from cluster.client.codec import JSON, Codec
from cluster.client.retry import REPEATABLE
from cluster.client.view import View
from cluster.client.wire import Reply, Request
from models import limits

V = TypeVar("V", bound=View)


class BatchCall(Call[list[V]]):
    """``field`` names the list in the body; results come in its order."""

    def __init__(
        self, path: str, field: Literal["events", "outcomes", "requests"], elements: Sequence[Mapping[str, Any]],
        view: Callable[[Mapping[str, Any]], V], timeout_s: float | None = None,
    ) -> None:
        super().__init__("POST", path, self._results, timeout_s=timeout_s)
        self._field = field
        self._elements = elements
        self._view = view
        self._found: list[Any] = [None] * len(elements)
        #: Places of the elements without a final answer.
        self._open: Sequence[int] = range(len(elements))

    def request(self, left_s: float, codec: Codec) -> Request:
        self._body = {self._field: [self._element(self._elements[place], left_s) for place in self._open]}
        return super().request(left_s, codec)

    def is_finished(self) -> bool:
        return not self._open

    def _element(self, element: Mapping[str, Any], left_s: float) -> Mapping[str, Any]:
        return element

    def _results(self, reply: Reply) -> list[V]:
        for place, result in zip(self._open, reply.value()["results"], strict=True):
            self._found[place] = result
        self._open = [place for place in self._open if _status(self._found[place]) in REPEATABLE]
        return list(map(self._view, self._found))


class DecisionBatchCall(BatchCall[V]):
    def _element(self, element: Mapping[str, Any], left_s: float) -> Mapping[str, Any]:
        return with_deadline(element, left_s)


class HistoryCall(BatchCall[V]):
    """A page of an import: an event's position is its id, so the page is sent again as a whole, and what had its
    answer keeps it."""

    def __init__(
        self, source: str, first_position: int, events: Sequence[Mapping[str, Any] | bytes],
        view: Callable[[Mapping[str, Any]], V],
    ) -> None:
        super().__init__("/v1/history", "events", (), view)
        head = JSON.encode({"source": source, "first_position": first_position})
        encoded = (one if isinstance(one, bytes) else JSON.encode(one) for one in events)
        self._page = head[:-1] + b',"events":[' + b",".join(encoded) + b"]}"
        self._found = [None] * len(events)
        self._open = range(len(events))

    def request(self, left_s: float, codec: Codec) -> Request:
        return Request(self.method, self.path, self._page, JSON.media)

    def _results(self, reply: Reply) -> list[V]:
        results = reply.value()["results"]
        for place in self._open:
            self._found[place] = results[place]
        self._open = [place for place in self._open if _status(self._found[place]) in REPEATABLE]
        return list(map(self._view, self._found))


def with_deadline(request: Mapping[str, Any], left_s: float) -> Mapping[str, Any]:
    """A decision request whose deadline is what remains of the caller's time, if it names none itself. The server
    does not compare deadlines when it recognises a repeat."""
    if request.get("deadline_ms") is not None:
        return request
    return {**request, "deadline_ms": deadline_ms(left_s)}


def deadline_ms(left_s: float) -> int:
    return max(limits.DEADLINE_MS_MIN, min(limits.DEADLINE_MS_MAX, int(left_s * limits.SECOND_MS)))


def _status(result: Mapping[str, Any]) -> int:
    """The status of an element's problem; 200 when it was done, or refused for good."""
    status = result.get("status")
    if isinstance(status, int):
        return status
    error = result.get("error")
    return error.get("status", 200) if isinstance(error, dict) else 200
