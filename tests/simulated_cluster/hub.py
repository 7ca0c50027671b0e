"""Virtual time: one queue of events, and an event loop per process that can be killed, halted and isolated.

A process is killed by forgetting whatever it had scheduled: no handler of its runs again, as after ``kill -9``. What
it left half done is kept until the seed ends, lest the collector run its ``finally`` blocks in somebody else's time.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import hashlib
import heapq
import random
from asyncio import events
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, Final

from greenlet import GreenletExit, getcurrent, greenlet

#: 2026-01-01T00:00:00Z.
START_MS: Final = 1_767_225_600_000


class NotQuietError(AssertionError):
    """The world did not come to rest, or did more than any sound one does."""


class Hub:
    def __init__(self, seed: int, trace: Callable[[str], None] | None = None) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        #: Milliseconds since the start, and by how much the calendar was moved on beside them.
        self.now = 0.0
        self.jumped_ms = 0
        self.process: Process | None = None
        #: How often what happened: faults that struck, and what the product did about them.
        self.seen: Counter[str] = Counter()
        self.steps = 0
        self._queue: list[tuple[float, int, Process, Happening]] = []
        self._count = 0
        self._digest = hashlib.blake2b(digest_size=16)
        self._trace = trace
        self.processes: list[Process] = []
        self.threads: list[greenlet] = []
        self.is_over = False
        #: Where events are handled; whatever waits hands over to it.
        self.main = getcurrent()
        #: What ``actors.stores.opening.open_store`` gives to a process.
        self.open_store: Callable[[Process], Any] = lambda _: None

    @property
    def wall_ms(self) -> int:
        """By the calendar of the machine that is running now."""
        skew_ms = self.process.skew_ms if self.process is not None else 0
        return START_MS + int(self.now) + self.jumped_ms + skew_ms

    def note(self, kind: str, /, **more: Any) -> None:
        """Something worth telling: counted, part of the story's hash, and shown by ``--trace``."""
        self.seen[kind] += 1
        self.tell(kind, **more)

    def tell(self, kind: str, /, **more: Any) -> None:
        line = self._line(kind, more)
        self._digest.update(line.encode())
        if self._trace is not None:
            self._trace(line)

    def show(self, kind: str, /, **more: Any) -> None:
        """Shown by ``--trace`` and no part of the story."""
        if self._trace is not None:
            self._trace(self._line(kind, more))

    def _line(self, kind: str, more: dict[str, Any]) -> str:
        who = self.process.name if self.process is not None else "world"
        return f"{self.now:10.2f} {who:<16} {kind} " + " ".join(f"{name}={value}" for name, value in more.items())

    @property
    def story(self) -> str:
        """Two runs of a seed have the same."""
        return self._digest.hexdigest()

    def bury(self) -> None:
        """The seed is over: what was left half done is let go of, and none of its last words are heard. A thread that
        waits must be ended, for no collector sees into it."""
        self.is_over = True
        for process in self.processes:
            process.is_alive = False
        for thread in self.threads:
            if not thread.dead:
                thread.throw()
        for process in self.processes:
            process.bury()
        self.processes.clear()
        self.threads.clear()
        self._queue.clear()

    def put(self, when: float, process: Process, handle: Happening) -> None:
        self._count += 1
        heapq.heappush(self._queue, (when, self._count, process, handle))

    def run(self, until: Callable[[], bool], until_ms: float, steps_max: int = 60_000) -> bool:
        """Let events happen until ``until()`` holds (True) or the clock reads ``until_ms``."""
        try:
            while not until():
                if not self._queue or self._queue[0][0] > until_ms:
                    self.now = max(self.now, until_ms)
                    return until()
                self._next(steps_max)
            return True
        finally:
            self.process = None
            events._set_running_loop(None)

    def _next(self, steps_max: int) -> None:
        when, _, process, handle = heapq.heappop(self._queue)
        if not process.is_alive or handle.is_cancelled:
            return
        if when > self.now:
            self.now = when
        if process.halted_until > self.now:
            self.put(process.halted_until, process, handle)
            return
        self.steps += 1
        if self.steps > steps_max:
            raise NotQuietError(f"more than {steps_max} events by {self.now:.0f} ms")
        if process is not self.process:
            self.process = process
            events._set_running_loop(process)
        try:
            handle.context.run(handle.callback, *handle.args)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            process.call_exception_handler({"handle": handle, "exception": error})


class Happening:
    """What is to run in a process at its time; to asyncio it is a (timer) handle."""

    __slots__ = ("args", "at", "callback", "context", "is_cancelled")

    def __init__(self, callback: Any, args: tuple[Any, ...], at: float, context: Any) -> None:
        self.callback, self.args, self.at = callback, args, at
        self.context = contextvars.copy_context() if context is None else context
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True
        self.callback = self.args = None

    def cancelled(self) -> bool:
        return self.is_cancelled

    def when(self) -> float:
        return self.at


class Process(asyncio.AbstractEventLoop):
    """A process with its event loop; ``skew_ms``: its machine's clock beside the true one."""

    def __init__(self, hub: Hub, name: str, machine: str = "", skew_ms: int = 0) -> None:
        self.hub = hub
        self.name = name
        self.machine = machine
        self.skew_ms = skew_ms
        self.is_alive = True
        self.halted_until = 0.0
        self.failure: BaseException | None = None
        self._at_death: list[Callable[[], None]] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self._workers: dict[Any, Worker] = {}
        hub.processes.append(self)

    def within(self, work: Callable[[], Any]) -> Any:
        """Run something of this process right now, from the outside."""
        before, running = self.hub.process, events._get_running_loop()
        self.hub.process = self
        events._set_running_loop(self)
        try:
            return work()
        finally:
            events._set_running_loop(running)
            self.hub.process = before

    def kill(self, why: str = "") -> None:
        if self.is_alive:
            self.hub.tell("ends", process=self.name, why=why)
            self.is_alive = False
            for told in self._at_death:
                told()
            self._at_death = []

    def bury(self) -> None:
        for task in self._tasks:
            if not task.done():
                with contextlib.suppress(Exception):
                    task.get_coro().close()
        self._tasks.clear()
        self._workers.clear()
        self._at_death.clear()

    def at_death(self, told: Callable[[], None]) -> None:
        self._at_death.append(told)

    def halt(self, ms: float) -> None:
        """SIGSTOP, or a pause of the machine: it goes on later, and believes what it believed."""
        self.halted_until = max(self.halted_until, self.hub.now + ms)

    def worker(self, key: Any) -> Worker:
        """The one thread of an executor (or of a shard's writer)."""
        found = self._workers.get(key)
        if found is None:
            found = self._workers[key] = Worker(self)
        return found

    async def pause(self, ms: float) -> None:
        over = self.create_future()
        self.call_later(ms / 1_000, lambda: over.done() or over.set_result(None))
        await over

    # What asyncio asks of a loop.

    def time(self) -> float:
        return self.hub.now / 1_000

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> Any:
        handle = Happening(callback, args, 0.0, context)
        self.hub.put(self.hub.now, self, handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> Any:
        return self.call_at(self.hub.now / 1_000 + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Any:
        handle = Happening(callback, args, when, context)
        self.hub.put(max(self.hub.now, when * 1_000), self, handle)
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Any = None) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name or "task", context=context)
        self._tasks.append(task)
        if len(self._tasks) > 256:
            self._tasks = [one for one in self._tasks if not one.done()]
        return task

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:
        done = self.create_future()

        def tell(result: Any, error: BaseException | None) -> None:
            if not done.done():
                done.set_result(result) if error is None else done.set_exception(error)

        self.worker(executor if executor is not None else object()).do(func, args, tell)
        return done

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if "handle" in context and self.is_alive and self.failure is None and error is not None:
            self.failure = error

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False


class Worker:
    """A thread of a process: takes one job after the other; a job may wait for virtual time (``wait``)."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._jobs: deque[tuple[Any, tuple[Any, ...], Callable[[Any, BaseException | None], None]]] = deque()
        self._thread: greenlet | None = None

    def do(self, work: Any, args: tuple[Any, ...], tell: Callable[[Any, BaseException | None], None]) -> None:
        self._jobs.append((work, args, tell))
        if self._thread is None:
            self._thread = greenlet(self._run, parent=self._process.hub.main)
            self._process.hub.threads.append(self._thread)
            self._process.call_soon(self._thread.switch)

    def _run(self) -> None:
        while self._jobs:
            work, args, tell = self._jobs.popleft()
            result, error = None, None
            try:
                result = work(*args)
            except Exception as raised:
                error = raised
            self._process.call_soon(tell, result, error)
        self._thread = None


def wait(process: Process, ms: float) -> bool:
    """Let virtual time pass inside a worker's job; elsewhere none can pass (False)."""
    thread = getcurrent()
    if thread is process.hub.main:
        return False
    if process.hub.is_over:
        raise GreenletExit
    if process.is_alive:
        process.call_later(ms / 1_000, thread.switch)
    process.hub.main.switch()
    return True


def block(process: Process, awaited: asyncio.Future[Any], ms: float) -> bool:
    """Wait inside a worker's job for a future of its process, at most so long: whether it is done."""
    thread, is_awake = getcurrent(), False

    def wake(*_: Any) -> None:
        nonlocal is_awake
        if not is_awake:
            is_awake = True
            thread.switch()

    alarm = process.call_later(ms / 1_000, wake)
    awaited.add_done_callback(wake)
    process.hub.main.switch()
    alarm.cancel()
    return awaited.done()


def meet(keeper: Any, stage: str, process: Process) -> None:
    """Where a fault may lie in wait for a commit of a shard: who walks into it may not come out."""
    trap = keeper.trap
    if trap is None or trap[0] != stage or not process.name.startswith("shard") or getcurrent() is process.hub.main:
        return
    keeper.trap = None
    process.hub.note(f"trapped {stage}", process=process.name)
    trap[1](process)
    if not process.is_alive or process.halted_until > process.hub.now:
        wait(process, 0.0)
