"""What Insight tells of itself for the metrics, and what it keeps of what consoles tell."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from unit.insight.test_insight_actor import Installation, funnel, installed, run, settled, some_life

from actors.insight.consoles import Consoles
from actors.insight_actor import Insight
from models import limits
from models.canonical import pack, unpack
from models.errors import NotServing


async def numbers(insight: Insight) -> dict[str, Any]:
    told = unpack(await insight.figures())
    return {name: rows[0][1] for name, rows in told.items() if name != "consoles"}


async def nobody(*_: Any) -> bytes:
    raise NotServing("there is none")


def test_it_tells_how_far_it_is_and_what_it_has_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(installation: Installation) -> None:
        insight = installation.insight()
        await some_life(installation)
        await settled(insight, 10, 3)
        told = await numbers(insight)
        assert (told["kairos_insight_decisions"], told["kairos_insight_behind_rows"]) == (10, 0)
        assert told["kairos_insight_shards_reached"] == 2
        assert told["kairos_insight_snapshot_bytes"] == 0
        assert await insight._keep()
        kept = (await numbers(insight))["kairos_insight_snapshot_bytes"]
        assert kept > 100
        await insight.stop()
        again = installation.insight()
        await settled(again, 10, 3)
        told = await numbers(again)
        assert told["kairos_insight_snapshot_bytes"] == kept
        assert told["kairos_insight_decisions"] == 0, "what was counted before is only read for the recent decisions"
        assert (await funnel(again))["decisions"] == 10
        await again.stop()

    async def whole() -> None:
        async with installed(tmp_path, monkeypatch) as installation:
            await scenario(installation)

    run(whole())


def test_its_snapshot_is_young_again_when_all_is_kept_or_nothing_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        now_ms = 1_000_000
        monkeypatch.setattr("actors.insight_actor.monotonic_ms", lambda: now_ms)
        async with installed(tmp_path, monkeypatch) as installation:
            insight = installation.insight(nobody)
            while insight._trying is None:  # noqa: ASYNC110
                await asyncio.sleep(0)
            for _ in range(2):
                now_ms += 90_000
                assert (await numbers(insight))["kairos_insight_snapshot_age_seconds"] == 90.0
                assert await insight._keep()
                assert (await numbers(insight))["kairos_insight_snapshot_age_seconds"] == 0.0
            await insight.stop()

    run(scenario())


def test_while_it_starts_it_has_no_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, monkeypatch) as installation:
            insight = installation.insight(nobody)
            with pytest.raises(NotServing):
                await insight.figures()
            await insight.stop()

    run(scenario())


def test_a_console_that_tells_nothing_for_a_while_is_forgotten() -> None:
    consoles = Consoles()
    consoles.tell("a", {"x": [[[], 1]]}, 0)
    consoles.tell("b", {"x": [[[], 2]]}, 10)
    consoles.tell("a", {"x": [[[], 3]]}, 20)
    assert consoles.told(20) == {"b": {"x": [[[], 2]]}, "a": {"x": [[[], 3]]}}
    assert set(consoles.told(10 + limits.CONSOLE_FIGURES_KEPT_MS)) == {"a"}
    for replica in range(limits.CONSOLE_REPLICAS_MAX + 5):
        consoles.tell(str(replica), {}, 50)
    assert len(consoles.told(50)) == limits.CONSOLE_REPLICAS_MAX
    assert "0" not in consoles.told(50)


def test_what_a_console_tells_is_in_the_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, monkeypatch) as installation:
            insight = installation.insight(nobody)
            await insight.console("c1", pack({"kairos_console_viewers": [[[], 2]]}))
            while insight._trying is None:  # noqa: ASYNC110
                await asyncio.sleep(0)
            assert unpack(await insight.figures())["consoles"] == {"c1": {"kairos_console_viewers": [[[], 2]]}}
            await insight.stop()

    run(scenario())
