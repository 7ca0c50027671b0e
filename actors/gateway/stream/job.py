"""One frame in work: its handler's coroutine, stepped from the futures that it waits for.

A task per frame costs more than all else that the gateway does with one. The handlers of the hot calls wait only for
futures of the lanes, so whoever completes such a future can resume the handler directly. Its first step runs when the
frame is read: what the handler submits before it first waits is submitted in the order of arrival.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from actors.gateway.exchange import Answer
from actors.gateway.failures import failed
from actors.gateway.routing import Route
from actors.gateway.services import Services
from actors.gateway.stream.exchange import FrameExchange

if TYPE_CHECKING:
    from opentelemetry.trace import Span


class Job:
    __slots__ = (
        "_coroutine", "_finished", "_services", "_waited", "exchange", "frame_id", "items", "route", "span", "started_s"
    )

    def __init__(
        self, frame_id: int, route: Route, exchange: FrameExchange, items: int,
        finished: Callable[[Job, Answer], None],
    ) -> None:
        """``items``: the elements of a batch, 1 for any other call. ``finished`` is called once, unless cancelled."""
        self.frame_id = frame_id
        self.route = route
        self.exchange = exchange
        self.items = items
        self.started_s = time.perf_counter()
        self._finished = finished
        #: When the frame is traced.
        self.span: Span | None = None
        self._services: Services | None = None
        self._coroutine: Coroutine[Any, None, Answer] | None = None
        self._waited: asyncio.Future[Any] | None = None

    def start(self, services: Services) -> None:
        self._services = services
        handling = self.route.handle(services, self.exchange)
        self._coroutine = handling if self.route.submits_at_once else _in_task(handling)
        tracing = services.tracing
        self.span = None if tracing is None else tracing.begin(self.exchange)
        if tracing is None or self.span is None:
            self._step()
            return
        with tracing.under(self.span):  # what it submits, it submits in its first step
            self._step()

    def age_s(self) -> float:
        return time.perf_counter() - self.started_s

    def cancel(self) -> None:
        """Nobody waits for the answer any more; what was not sent to a shard yet is not sent."""
        if self._waited is not None:
            self._waited.cancel()

    def _step(self, _: object = None) -> None:
        assert self._coroutine is not None
        assert self._services is not None
        try:
            waited = self._coroutine.send(None)
        except StopIteration as done:
            self._finished(self, done.value)
        except asyncio.CancelledError:
            self._waited = None
        except Exception as error:
            self._finished(self, failed(error, self.route.name, self.exchange, self._services))
        else:
            assert asyncio.isfuture(waited), f"{self.route.name} waits for {waited!r}; only futures can resume it"
            self._waited = waited
            waited.add_done_callback(self._step)


async def _in_task(handling: Coroutine[Any, Any, Answer]) -> Answer:
    """For calls that may wait in ways that need a task."""
    return await asyncio.get_running_loop().create_task(handling)
