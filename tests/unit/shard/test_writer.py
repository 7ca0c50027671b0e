"""The journal's thread: in order, to the end, never two at a time."""

from __future__ import annotations

import asyncio
import threading

import pytest
from unit.shard.rig import run

from actors.shard.writer import Writer


def test_work_is_done_in_order_in_one_other_thread() -> None:
    async def scenario() -> None:
        writer, done = Writer(), list[tuple[int, int]]()

        def note(number: int) -> None:
            done.append((number, threading.get_ident()))

        await asyncio.gather(*(writer(note, number) for number in range(20)))
        assert [number for number, _ in done] == list(range(20))
        assert len({thread for _, thread in done}) == 1
        assert done[0][1] != threading.get_ident()
        writer.stop()

    run(scenario())


def test_what_work_raises_comes_back_and_the_thread_goes_on() -> None:
    async def scenario() -> None:
        writer = Writer()
        with pytest.raises(ValueError, match="invalid literal"):
            await writer(int, "x")
        assert await writer(int, "7") == 7
        writer.stop()

    run(scenario())


def test_a_caller_that_leaves_does_not_take_its_work_along() -> None:
    async def scenario() -> None:
        writer, begun, goes_on, done = Writer(), threading.Event(), threading.Event(), list[str]()

        def slow() -> None:
            begun.set()
            goes_on.wait(10)
            done.append("slow")

        task = asyncio.ensure_future(writer(slow))
        while not begun.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0)
        task.cancel()
        goes_on.set()
        await writer(done.append, "next")
        assert done == ["slow", "next"]
        writer.stop()

    run(scenario())


def test_a_short_look_up_is_done_here_unless_the_thread_has_something_in_hand() -> None:
    async def scenario() -> None:
        writer, goes_on, here = Writer(), threading.Event(), threading.get_ident()
        assert await writer.short(threading.get_ident) == here
        busy = asyncio.ensure_future(writer(goes_on.wait, 10))
        await asyncio.sleep(0)
        asked = asyncio.ensure_future(writer.short(threading.get_ident))
        await asyncio.sleep(0)
        assert not asked.done()
        goes_on.set()
        assert await asked != here
        assert await busy
        assert await writer.short(threading.get_ident) == here
        writer.stop()

    run(scenario())


def test_a_stopped_writer_finishes_what_it_has_and_takes_nothing_more() -> None:
    async def scenario() -> None:
        writer, done = Writer(), list[int]()
        given = asyncio.ensure_future(writer(done.append, 1))
        await asyncio.sleep(0)
        writer.stop()
        assert done == [1]
        await given
        for ask in (writer, writer.short):
            with pytest.raises(RuntimeError, match="stopped"):
                await ask(done.append, 2)

    run(scenario())
