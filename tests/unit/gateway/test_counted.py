"""What Insight told is told on for as long as Insight would say the same, and no longer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

import pytest

from actors.gateway.counted import Counted
from actors.gateway.problems import Refused, retry_later
from models import limits

OURS, THEIRS = b"ours", b"theirs"


class Insight:
    """Tells that it has counted ``rows``; ``calls``: what it was asked."""

    def __init__(self) -> None:
        self.rows, self.fresh_ms, self.now_s = 1, 400, 50.0
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self.away = False
        self.hold: asyncio.Event | None = None

    def clock(self) -> float:
        return self.now_s

    async def ask(self, method: str, asked: Mapping[str, Any]) -> Any:
        self.calls.append((method, asked))
        told: dict[str, Any] = {"version": self.rows, "fresh_ms": self.fresh_ms}
        if asked["known"] != self.rows:
            told["rows"] = self.rows
        if self.hold is not None:
            await self.hold.wait()
        if self.away:
            raise retry_later(503, "away")
        return {**told, "age_ms": 7} if method == "live" else [200, told]

    def methods(self) -> list[str]:
        return [method for method, _ in self.calls]


async def funnel(counted: Counted) -> Any:
    return (await counted.funnel("day", None, None))["rows"]


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(coroutine)


def test_insight_is_asked_once_while_it_would_say_the_same() -> None:
    async def check() -> None:
        insight = Insight()
        counted = Counted(insight.ask, insight.clock)
        assert await counted.live(OURS) == {"version": 1, "rows": 1, "age_ms": 7}
        insight.rows, insight.now_s = 2, 50.3
        assert await counted.live(OURS) == {"version": 1, "rows": 1, "age_ms": 307}
        insight.now_s = 50.4
        assert await counted.live(OURS) == {"version": 2, "rows": 2, "age_ms": 7}
        assert [asked["known"] for _, asked in insight.calls] == [None, 1]

    run(check())


def test_what_did_not_change_is_not_sent_again_and_is_as_old_as_it_is_now() -> None:
    async def check() -> None:
        insight = Insight()
        counted = Counted(insight.ask, insight.clock)
        await counted.live(OURS)
        insight.now_s += 60
        assert (await counted.live(OURS))["rows"] == 1
        insight.now_s += 0.4
        assert await counted.live(OURS) == {"version": 1, "rows": 1, "age_ms": 7}
        assert insight.calls[-1][1]["known"] == 1

    run(check())


def test_tenants_windows_channels_and_actions_are_asked_apart() -> None:
    async def check() -> None:
        insight = Insight()
        counted = Counted(insight.ask, insight.clock)
        await counted.live(OURS)
        await counted.live(THEIRS)
        for asked in (("day", None, None), ("week", None, None), ("day", "web", None), ("day", None, "web")):
            await counted.funnel(*asked)
            assert {name: insight.calls[-1][1][name] for name in ("window", "channel", "action")} == dict(
                zip(("window", "channel", "action"), asked, strict=True)
            )
        assert len(insight.calls) == 6

    run(check())


def test_a_funnel_that_is_asked_for_after_a_live_answer_has_all_that_it_told() -> None:
    async def check() -> None:
        insight = Insight()
        counted = Counted(insight.ask, insight.clock)
        assert await funnel(counted) == 1
        insight.rows = 2
        assert await funnel(counted) == 1, "within its time"
        assert (await counted.live(OURS))["rows"] == 2
        assert await funnel(counted) == 2

    run(check())


def test_a_funnel_that_was_under_way_when_live_had_news_is_asked_for_again() -> None:
    async def check() -> None:
        insight = Insight()
        counted = Counted(insight.ask, insight.clock)
        insight.hold = hold = asyncio.Event()
        slow = asyncio.create_task(funnel(counted))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        insight.hold, insight.rows = None, 2
        assert (await counted.live(OURS))["rows"] == 2
        hold.set()
        assert await slow == 1
        assert await funnel(counted) == 2

    run(check())


def test_all_who_ask_at_once_share_one_call_even_when_the_first_leaves() -> None:
    async def check() -> None:
        insight = Insight()
        counted = Counted(insight.ask, insight.clock)
        insight.hold = asyncio.Event()
        asking = [asyncio.create_task(counted.live(OURS)) for _ in range(3)]
        await asyncio.sleep(0)
        asking[0].cancel()
        await asyncio.sleep(0)
        insight.hold.set()
        assert [told["rows"] for told in await asyncio.gather(*asking[1:])] == [1, 1]
        assert len(insight.calls) == 1

    run(check())


def test_an_insight_that_is_away_is_asked_by_the_next_one_again() -> None:
    async def check() -> None:
        insight = Insight()
        counted = Counted(insight.ask, insight.clock)
        insight.away = True
        for _ in range(2):
            with pytest.raises(Refused):
                await counted.live(OURS)
        insight.away = False
        assert (await counted.live(OURS))["rows"] == 1
        assert insight.methods() == ["live"] * 3

    run(check())


def test_what_nobody_asked_for_lately_is_forgotten() -> None:
    async def check() -> None:
        insight = Insight()
        counted = Counted(insight.ask, insight.clock)
        await counted.live(THEIRS)
        insight.now_s += limits.COUNTED_KEPT_MS / limits.SECOND_MS + 1
        await counted.live(OURS)
        await counted.live(THEIRS)
        assert insight.calls[-1][1]["known"] is None
        for at in range(limits.COUNTED_KEPT_MAX + 1):
            await counted.live(bytes([at]))
        await counted.live(OURS)
        assert insight.calls[-1][1]["known"] is None

    run(check())
