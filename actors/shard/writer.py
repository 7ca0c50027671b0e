"""The one thread in which a shard's store is used, at the price of one wake-up each way.

A thread pool's futures, a shield and the chaining of both cost a turn of one decision more than its append.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Job = tuple[asyncio.Future[Any], Callable[..., Any], tuple[Any, ...]]


class Writer:
    """Belongs to one event loop. What it is given is done in order."""

    def __init__(self) -> None:
        #: The store lies behind a network: even its shortest look-up is made in the thread.
        self.is_remote = False
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._unfinished = 0
        self._is_stopped = False

    async def __call__(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run ``work`` there; a caller that is cancelled does not cancel it."""
        assert not kwargs
        done: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._put((done, work, args))
        return await done

    async def short(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """The same for a few look-ups, which cost less than the way to the thread and back: they are done right here
        when the thread has nothing in hand (so one thread at a time uses the store), and there otherwise. Of a remote
        store they are not."""
        if self._unfinished or self._is_stopped or self.is_remote:
            return await self(work, *args, **kwargs)
        return work(*args, **kwargs)

    def stop(self) -> None:
        """Finish what was given, and take nothing more."""
        self._is_stopped = True
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()

    def _put(self, job: _Job) -> None:
        if self._is_stopped:
            raise RuntimeError("the journal's thread was stopped")
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
            self._thread.start()
        self._unfinished += 1
        self._jobs.put(job)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            done, work, args = job
            result, error = None, None
            try:
                result = work(*args)
            except BaseException as raised:
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                done.get_loop().call_soon_threadsafe(self._tell, done, result, error)
            del job, done, work, args, result, error

    def _tell(self, done: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
        self._unfinished -= 1
        if done.done():
            return
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)
