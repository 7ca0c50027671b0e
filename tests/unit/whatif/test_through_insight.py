"""A sample is of what Insight really saw: requests that shards decided, asked again as they were logged."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from simulation.catalog import catalog
from unit.whatif.installation import Installation

from actors.insight import tailing
from actors.insight_actor import Insight
from actors.stores.opening import open_store
from models.canonical import unpack
from models.errors import NotServing

WEB = {"channel": "web", "placements": [{"id": "hero"}, {"id": "strip", "count": 2}]}
DESK = {"channel": "desk", "placements": [{"id": "script"}], "context": {"page": "/help"}}


class Counted(Installation):
    """With Insight itself in place of what the tests say was decided lately."""

    async def begin(self, place: Path) -> None:
        settings: dict[str, Any] = {"data_dir": str(place), "shards": 2, "store": "sqlite"}
        self.actor = Insight(settings, call=self.shard, store=open_store(settings))

    async def insight(self, method: str, *args: Any) -> bytes:
        answer: bytes = await getattr(self.actor, method)(*args)
        return answer


def test_those_who_were_decided_for_lately_are_asked_about_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tailing.limits, "FEED_GATHER_MS", 5)

    async def play() -> None:
        made = Counted(tmp_path, monkeypatch)
        await made.start()
        await made.publish(catalog())
        for number in range(6):
            event = {"event_id": f"e{number}", "type": "basket", "properties": {"total": 9.5}}
            answer = await made.ask("POST", "/v1/decisions", {"customer_id": f"c-{number}", "event": event, **WEB})
            assert answer.status_code == 200, answer.text
        await made.ask("POST", "/v1/decisions", {"customer_id": "c-0", **DESK})
        await made.ask("POST", "/v1/decisions", {"customer_id": "c-0", **DESK})
        await made.begin(tmp_path)
        try:
            while not await _is_read(made, 8):  # noqa: ASYNC110
                await asyncio.sleep(0)
            told = await _told(made, size=50)
            assert {(one["customer_id"], one["channel"]) for one in told["results"]} == {
                *((f"c-{number}", "web") for number in range(6)), ("c-0", "desk"),
            }
            assert (told["asked"], told["changed"], told["skipped"]) == (7, 0, [])
            desk = await _told(made, size=50, channel="desk")
            assert [one["customer_id"] for one in desk["results"]] == ["c-0"]
            # Their events were applied when they were decided for, and are not applied again.
            twice = catalog()
            for action in twice["actions"]:
                if not action.get("fallback"):
                    action["eligibility"] = "profile.baskets >= 2"
            told = await _told(made, twice, size=50)
            assert all(
                item["fallback"] for one in told["results"] for filled in one["candidate"]["placements"]
                for item in filled["items"]
            )
        finally:
            await made.actor.stop()
            await made.stop()

    async def run() -> None:
        async with asyncio.timeout(60):
            await play()

    asyncio.run(run())


async def _is_read(made: Counted, decisions: int) -> bool:
    try:
        live = unpack(await made.actor.live())
    except NotServing:
        return False
    return bool(live["caught_up"]) and sum(one["decisions"] for one in live["minutes"]) == decisions


async def _told(made: Counted, candidate: dict[str, Any] | None = None, **sample: Any) -> dict[str, Any]:
    answer = await made.ask("POST", "/v1/whatif", {"catalog": candidate or catalog(), "sample": sample})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told
