"""Calls between processes: delayed, lost on either way, delivered twice, out of order, or over a connection that keeps
its order until it breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from models import limits
from simulated_cluster.hub import Hub, Process


class GoneError(Exception):
    """No answer came, and whether the call arrived is unknown."""


class Network:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        #: Machines that reach each other only among themselves.
        self.isolated: set[str] = set()
        self.loss = 0.0
        self.repeats = 0.0
        self._last: dict[tuple[Process, Process], float] = {}

    def reaches(self, one: Process, other: Process) -> bool:
        return (one.machine in self.isolated) == (other.machine in self.isolated)

    def call(
        self, source: Process, target: Process, work: Callable[[], Awaitable[Any]], *, is_link: bool = False
    ) -> asyncio.Future[Any]:
        """A future of ``source``: what ``work`` gives in ``target``, what it raises, or ``GoneError``. A link delivers
        in order and once; a message may come twice and overtake others."""
        done: asyncio.Future[Any] = source.create_future()

        def lose(after_ms: float) -> None:
            def told() -> None:
                if not done.done():
                    done.set_exception(GoneError(target.name))

            if source.is_alive:
                source.call_later(after_ms / 1_000, told)

        if not target.is_alive or not self.reaches(source, target) or self._is_lost():
            lose(5 + self._hub.rng.random() * 800)
            return done
        lose(limits.LINK_SILENCE_MS)
        target.at_death(lambda: None if done.done() else lose(1 + self._hub.rng.random() * 30))
        self._deliver(source, target, work, done, lose, is_link)
        if not is_link and self._hub.rng.random() < self.repeats:
            self._hub.note("duplicated message")
            self._deliver(source, target, work, done, lose, is_link)
        return done

    def _deliver(
        self, source: Process, target: Process, work: Callable[[], Awaitable[Any]], done: asyncio.Future[Any],
        lose: Callable[[float], None], is_link: bool,
    ) -> None:
        def arrive() -> None:
            task = target.create_task(work())
            task.add_done_callback(leave)

        def leave(task: asyncio.Task[Any]) -> None:
            error = None if task.cancelled() else task.exception()
            if task.cancelled() or not source.is_alive or not self.reaches(source, target) or self._is_lost():
                self._hub.note("lost reply")
                lose(5 + self._hub.rng.random() * 800)
            else:
                source.call_later(self._delay_ms(is_link) / 1_000, tell, task, error)

        def tell(task: asyncio.Task[Any], error: BaseException | None) -> None:
            if done.done():
                return
            if error is None:
                done.set_result(task.result())
            else:
                done.set_exception(error if isinstance(error, Exception) else GoneError(target.name))

        when = self._hub.now + self._delay_ms(is_link)
        if is_link:
            when = self._last[source, target] = max(self._last.get((source, target), 0.0), when)
        target.call_at(when / 1_000, arrive)

    def _delay_ms(self, is_link: bool) -> float:
        """Most are fast; some messages are so late that later ones are there before them."""
        slow = not is_link and self.repeats and self._hub.rng.random() < 0.05
        return self._hub.rng.random() * (250 if slow else 1.5)

    def _is_lost(self) -> bool:
        if self._hub.rng.random() < self.loss:
            self._hub.note("lost message")
            return True
        return False
