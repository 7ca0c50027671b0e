"""A simulated user: one visit after the other, in a closed loop with think times or along the arrivals of an open one.

A visit is a generator that makes one call and then yields how long its customer thinks, in multiples of the mean think
time; after every call it yields. In an open loop each arrival goes on with a visit by one call, whenever it is due, so
RATE is calls per second; think times then follow from how many visits share the rate.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator

import gevent
from locust import User, task
from locust.exception import StopUser

from loadtests.users import run
from loadtests.users.caller import Caller

Visit = Generator[float, None, None]


class Visitor(User):
    """Scenarios subclass it and say what a ``visit`` is."""

    abstract = True

    def visit(self) -> Visit:
        raise NotImplementedError

    def on_start(self) -> None:
        caller = run.control().caller()
        self._may_call = caller is not None
        if caller is not None:
            self.caller: Caller = caller
            self.desk = caller.desk
        self._steps: Iterator[float] = iter(())
        self._pause_s = 0.0

    def wait_time(self) -> float:
        return self._pause_s

    @task
    def step(self) -> None:
        """One call of the visit, at the right time."""
        if not self._may_call or self.desk.has_ended():
            raise StopUser
        desk = self.desk
        if desk.arrivals is None:
            self._go_on(None)
            return
        due_s = desk.arrivals.take()
        if due_s >= desk.until_s:
            raise StopUser
        gevent.sleep(max(0.0, due_s - time.perf_counter()))
        late_s = time.perf_counter() - due_s
        if desk.has_ended():
            desk.miss(due_s)
            raise StopUser
        desk.record.lateness.add(max(0.0, late_s))
        self._go_on(due_s)

    def _go_on(self, due_s: float | None) -> None:
        desk = self.desk
        desk.active += 1
        self.caller.due_s = due_s
        try:
            weight = next(self._steps, None)
            if weight is None:
                self._steps = self.visit()
                weight = next(self._steps)
        except Exception:
            desk.bugs += 1
            self._steps = iter(())
            raise
        finally:
            desk.active -= 1
        think_s = weight * desk.think_s
        self._pause_s = desk.random.expovariate(1 / think_s) if think_s and due_s is None else 0.0
