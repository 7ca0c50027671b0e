"""One connection: reads frames within its bounds, starts their calls in order of arrival, answers as they finish."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import structlog

from actors.access import KeyRecord
from actors.gateway.body import ClientGone, Receive, Send, too_large
from actors.gateway.exchange import Answer
from actors.gateway.failures import failed
from actors.gateway.problems import Refused
from actors.gateway.routing import Route
from actors.gateway.services import Services
from actors.gateway.stream import closing, frames
from actors.gateway.stream.calls import Calls
from actors.gateway.stream.closing import Closing
from actors.gateway.stream.exchange import FrameExchange, frame_scope
from actors.gateway.stream.frames import BadFrame, NoFrame
from actors.gateway.stream.job import Job
from actors.gateway.stream.order import Order, may_wait
from actors.gateway.stream.outbox import Outbox
from models import limits

log = structlog.get_logger(__name__)


class Session:
    def __init__(
        self, services: Services, calls: Calls, key: KeyRecord, peer: str, receive: Receive, send: Send,
    ) -> None:
        """``peer``: the client's address."""
        self.key = key
        self._scope = frame_scope(peer)
        self._services = services
        self._calls = calls
        self._receive = receive
        self._send = send
        self._outbox = Outbox(send, self._written)
        #: By id, in the order of arrival.
        self._jobs: dict[int, Job] = {}
        self._order = Order(
            self._jobs.values(), lambda job: job.start(services), partial(services.key_of, key.tenant),
            partial(services.key_of_decision, key.tenant),
        )
        #: Frames that were read and whose answers are not written yet, and their items.
        self._in_flight = 0
        self._items = 0
        self._room: asyncio.Future[None] | None = None
        #: Set while the end waits for what is in flight.
        self._idle: asyncio.Event | None = None
        self._ended: asyncio.Future[Closing | None] = asyncio.get_running_loop().create_future()

    async def run(self) -> Closing | None:
        """Serve until the stream ends; why it did, None when the client went."""
        loop = asyncio.get_running_loop()
        reader, writer = loop.create_task(self._read()), loop.create_task(self._outbox.run())
        for worker in (reader, writer):
            worker.add_done_callback(self._stopped)
        try:
            end = await self._ended
            reader.cancel()
            if end is not None and end.drains:
                await self._drained()
        finally:
            reader.cancel()
            writer.cancel()
            for job in list(self._jobs.values()):
                job.cancel()
        if end is not None:
            await self._close(end)
        return end

    def end(self, reason: Closing | None) -> None:
        """Begin the end; the first reason counts."""
        if not self._ended.done():
            self._ended.set_result(reason)

    def unread_s(self) -> float:
        return self._outbox.unread_s()

    async def _read(self) -> None:
        unpaused = 0
        while not self._ended.done():
            while self._full():
                self._room = asyncio.get_running_loop().create_future()
                await self._room
            message = await self._receive()
            data = message.get("bytes")
            if data is not None:
                self._frame(data)
            elif message["type"] == "websocket.disconnect":
                self.end(None)
            else:
                self.end(closing.TEXT)
            unpaused += 1
            if unpaused == limits.STREAM_FRAMES_PER_STEP:
                unpaused = 0
                await asyncio.sleep(0)

    def _full(self) -> bool:
        return (
            self._in_flight >= limits.STREAM_FRAMES_IN_FLIGHT_MAX or self._items >= limits.STREAM_ITEMS_IN_FLIGHT_MAX
        )

    def _frame(self, message: bytes) -> None:
        """Start what a frame asks for, or answer why not; what cannot be answered ends the stream."""
        size = len(message)
        try:
            if size > limits.BATCH_BODY_BYTES_MAX:
                raise BadFrame(frames.peek_id(message), too_large(limits.BATCH_BODY_BYTES_MAX))
            frame = frames.read(message)
        except NoFrame:
            self.end(closing.TOO_LARGE if size > limits.BATCH_BODY_BYTES_MAX else closing.MALFORMED)
        except BadFrame as bad:
            if self._admit(bad.frame_id, 1):
                self._refuse(bad.frame_id, "none", bad.refused, FrameExchange(self.key, None, size, self._scope))
        else:
            self._begin(frame, message)

    def _begin(self, frame: dict[str, Any], message: bytes) -> None:
        frame_id, body = frame["id"], frame.get("body")
        exchange = FrameExchange(self.key, body, len(message), self._scope)
        name = "none"
        try:
            route = self._calls.find(frames.call_of(frame), exchange)
            name = route.name
            self._services.authoriser.permit(self.key, route.scope)
            if exchange.segments:
                exchange.parse_path(route.path_names)
        except Refused as refused:
            exchange.adopt_request_id(body)
            if self._admit(frame_id, 1):
                self._refuse(frame_id, name, refused, exchange)
            return
        items = _items(route, body)
        if self._admit(frame_id, items):
            job = self._jobs[frame_id] = Job(frame_id, route, exchange, items, self._finished)
            self._order.begin(job, may_wait(job, message))

    def _admit(self, frame_id: int, items: int) -> bool:
        if frame_id in self._jobs:
            self.end(closing.ID_IN_FLIGHT)
            return False
        self._in_flight += 1
        self._items += items
        return True

    def _refuse(self, frame_id: int, name: str, refused: Refused, exchange: FrameExchange) -> None:
        self._services.metrics.framed(name, refused.status, 0.0)
        answer = failed(refused, name, exchange, self._services)
        self._outbox.put(frames.answer(frame_id, answer.status, frames.body_of(answer)), 1)

    def _finished(self, job: Job, answer: Answer) -> None:
        del self._jobs[job.frame_id]
        self._order.ended(job)
        self._services.metrics.framed(job.route.name, answer.status, job.age_s())
        self._services.access_log.answered(job.route.name, job.exchange, answer, job.age_s())
        if self._services.tracing is not None and job.span is not None:
            self._services.tracing.end(job.span, job.route.name, job.exchange, answer)
        self._outbox.put(frames.answer(job.frame_id, answer.status, frames.body_of(answer)), job.items)

    def _written(self, items: int) -> None:
        self._in_flight -= 1
        self._items -= items
        if self._room is not None and not self._room.done() and not self._full():
            self._room.set_result(None)
        if self._idle is not None and not self._in_flight:
            self._idle.set()

    def _stopped(self, worker: asyncio.Task[None]) -> None:
        """Reader or writer ended. A reader that simply returns has ended the stream before."""
        error = None if worker.cancelled() else worker.exception()
        if isinstance(error, ClientGone):
            self.end(None)
        elif error is not None:
            log.error("stream_failed", error=repr(error))
            self.end(closing.FAILED)

    async def _drained(self) -> None:
        """Wait until everything in flight is answered, within a bound."""
        self._idle = asyncio.Event()
        if not self._in_flight:
            return
        try:
            async with asyncio.timeout(limits.STREAM_DRAIN_MS_MAX / limits.SECOND_MS):
                await self._idle.wait()
        except TimeoutError:
            log.info("stream_not_drained", frames=self._in_flight)

    async def _close(self, end: Closing) -> None:
        try:
            async with asyncio.timeout(limits.STREAM_CLOSE_MS_MAX / limits.SECOND_MS):
                await self._send({"type": "websocket.close", "code": end.code, "reason": end.reason})
        except (OSError, RuntimeError) as error:  # a timeout too: a client that does not read gets no close frame
            log.info("stream_not_told", code=end.code, error=type(error).__name__)


def _items(route: Route, body: Any) -> int:
    if route.element is None or type(body) is not dict:
        return 1
    elements = body.get(route.element[0])
    return min(max(1, len(elements)), limits.STREAM_ITEMS_IN_FLIGHT_MAX) if type(elements) is list else 1
