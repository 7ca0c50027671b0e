"""Frames that name the same customer are applied in the order in which they were sent.

Lanes see to it by themselves: what is submitted first is sent first, one call at a time, and a call that has to be
repeated is repeated before the next. Only a decision with ``min_state_version`` leaves the lane, since it may wait
inside the shard while others go on. So it starts when no earlier frame of its customers is in flight, and later ones
of its customers are held back until it is answered. Nothing here costs anything while no such decision is about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, ValuesView
from typing import Any

from actors.gateway.stream.job import Job

_WAITS = b"min_state_version"


def may_wait(job: Job, message: bytes) -> bool:
    """Whether a frame may ask for a state version: never wrongly False."""
    if _WAITS not in message:
        return False
    body = job.exchange.body
    return job.route.element is not None or type(body) is not dict or body.get("min_state_version") is not None


class Order:
    def __init__(
        self, in_flight: ValuesView[Job], start: Callable[[Job], None], key_of: Callable[[str], bytes],
        key_of_decision: Callable[[str], bytes | None],
    ) -> None:
        """``in_flight``: all frames without an answer, in the order of arrival; a view that follows them."""
        self._in_flight = in_flight
        self._start = start
        self._key_of = key_of
        self._key_of_decision = key_of_decision
        #: Frames in flight that may wait inside a shard.
        self._waiting: set[Job] = set()
        #: Frames not started yet, in the order of arrival.
        self._held: list[Job] = []
        self._customers: dict[Job, frozenset[bytes]] = {}
        self._releasing = False

    def begin(self, job: Job, waits: bool) -> None:
        """Start a frame that is in flight now, or hold it back until ``ended`` has told of all that it follows."""
        if not waits and not self._waiting and not self._held:
            self._start(job)
            return
        if waits:
            self._waiting.add(job)
        if self._blocked(job):
            self._held.append(job)
        else:
            self._start(job)

    def ended(self, job: Job) -> None:
        """A frame was answered and is in flight no more: start what waited for it alone."""
        self._customers.pop(job, None)
        self._waiting.discard(job)
        if not self._held or self._releasing:
            return
        self._releasing = True
        try:
            self._release()
        finally:
            self._releasing = False

    def _release(self) -> None:
        """What is answered at once may let others go: until a whole pass starts nothing."""
        while True:
            free = next((job for job in self._held if not self._blocked(job)), None)
            if free is None:
                return
            self._held.remove(free)
            self._start(free)

    def _blocked(self, job: Job) -> bool:
        mine = self._of(job)
        for earlier in self._in_flight:
            if earlier is job:
                return False
            relevant = job in self._waiting or earlier in self._waiting or earlier in self._held
            if relevant and not mine.isdisjoint(self._of(earlier)):
                return True
        return False

    def _of(self, job: Job) -> frozenset[bytes]:
        known = self._customers.get(job)
        if known is None:
            known = self._customers[job] = frozenset(self._named(job))
        return known

    def _named(self, job: Job) -> Iterable[bytes]:
        body, element = job.exchange.body, job.route.element
        elements: Any = [body] if element is None else body.get(element[0]) if type(body) is dict else None
        for one in elements if type(elements) is list else ():
            customer_id = one.get("customer_id") if type(one) is dict else None
            decision_id = one.get("decision_id") if type(one) is dict else None
            if type(customer_id) is str:
                yield self._key_of(customer_id)
            elif type(decision_id) is str and (key := self._key_of_decision(decision_id)) is not None:
                yield key
