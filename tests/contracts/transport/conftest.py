"""Every promise of the link is kept on both event loops: Python's own, and the one that Ray's processes run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop
from contracts.transport.rig import Rig

Run = Callable[..., None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs ``test(rig)`` in a loop of that kind; what it leaves open is closed after it."""

    def runner(test: Callable[[Rig], Awaitable[None]], **bounds: Any) -> None:
        async def main() -> None:
            rig = Rig(**bounds)
            try:
                async with asyncio.timeout(20):
                    await test(rig)
            finally:
                await rig.close()

        with asyncio.Runner(loop_factory=request.param) as loop:
            loop.run(main())

    return runner
