"""The actor over real shards, without Ray: its numbers are the journals', before and after whatever ends it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.in_process import SECRET, InProcess

from actors.insight import tailing
from actors.insight_actor import Insight
from actors.naming import INSIGHT_OWNER
from actors.stores.opening import open_store
from models import ids, limits
from models.canonical import pack, unpack
from models.errors import Fenced, NotServing
from models.times import parse_time_ms

ROOT = Path(__file__).resolve().parents[3]
START_MS = parse_time_ms("2026-03-02T15:00:00Z")
Call = Callable[..., Awaitable[Any]]


class Installation:
    def __init__(self, place: Path, kairos: InProcess, client: httpx.AsyncClient) -> None:
        self.place, self.kairos, self.client = place, kairos, client
        self.settings = {"store": "sqlite", "data_dir": str(place), "shards": 2}

    def insight(self, call: Call | None = None) -> Insight:
        return Insight(self.settings, call=call or self.kairos.shard)

    async def decide(self, customer: str, channel: str = "app", placement: str = "app_card") -> dict[str, Any]:
        body = {"customer_id": customer, "channel": channel, "placements": [{"id": placement}]}
        answer = await self.client.post("/v1/decisions", json=body)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def outcome(self, decision: dict[str, Any], type_: str, **more: Any) -> None:
        item = decision["placements"][0]["items"][0]
        body = {"outcome_id": f"{type_}-{decision['decision_id']}", "decision_id": decision["decision_id"],
                "action": item["action"], "type": type_,
                "time": decision["time"], **more}
        answer = await self.client.post("/v1/outcomes", json={"outcomes": [body]})
        assert answer.json()["results"][0]["status"] == "applied", answer.text


@asynccontextmanager
async def installed(place: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Installation]:
    monkeypatch.setattr(tailing.limits, "FEED_GATHER_MS", 5)
    monkeypatch.setattr(tailing.limits, "INSIGHT_ERASED_SNAPSHOT_MS", 5)
    kairos = InProcess(place, START_MS, monkeypatch)
    await kairos.start()
    headers = {"authorization": f"Bearer {kairos.key}"}
    async with httpx.AsyncClient(transport=kairos.transport(), base_url="http://k", headers=headers) as client:
        catalog = (ROOT / "cluster" / "example_catalog.yaml").read_text()
        answer = await client.put("/v1/catalog", content=catalog, headers={"content-type": "application/yaml"})
        assert answer.status_code == 200, answer.text
        while (await client.get("/readyz")).status_code != 200:  # noqa: ASYNC110
            await asyncio.sleep(0)
        try:
            yield Installation(place, kairos, client)
        finally:
            await kairos.stop()


async def settled(insight: Insight, decisions: int, outcomes: int = 0) -> dict[str, Any]:
    """The live numbers once so much is read."""
    while True:
        await asyncio.sleep(0)
        try:
            live: dict[str, Any] = unpack(await insight.live())
        except NotServing:
            continue
        read = [sum(one[name] for one in live["minutes"]) for name in ("decisions", "outcomes")]
        if live["caught_up"] and read == [decisions, outcomes]:
            return live


async def funnel(insight: Insight, **asked: Any) -> dict[str, Any]:
    insight._tells._kept.clear()
    status, body = unpack(await insight.funnel(pack({"window": "all", **asked})))
    assert status == 200
    return {name: value for name, value in body.items() if name != "fresh_ms"}


def run(work: Any) -> None:
    asyncio.run(asyncio.wait_for(work, 120))


def chosen_in(decision: dict[str, Any]) -> list[str]:
    """Actions that did not fall back."""
    return [item["action"] for item in decision["placements"][0]["items"] if not item["fallback"]]


async def some_life(installation: Installation) -> list[dict[str, Any]]:
    """Ten decisions, of which some come to something."""
    made = [await installation.decide(f"c-{number}") for number in range(10)]
    with_items = [one for one in made if chosen_in(one)]
    await installation.outcome(with_items[0], "accept", value=2.5)
    await installation.outcome(with_items[1], "dismiss")
    await installation.outcome(with_items[2], "impression")
    return made


def test_its_numbers_are_those_of_the_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, monkeypatch) as installation:
            insight = installation.insight()
            made = await some_life(installation)
            live = await settled(insight, 10, 3)
            assert live["at"] == "2026-03-02T15:00:00Z"
            assert {one["decision_id"] for one in live["recent"]} == {one["decision_id"] for one in made}
            body = await funnel(insight)
            chosen = Counter(action for one in made for action in chosen_in(one))
            assert {one["action"]: one["chosen"] for one in body["actions"] if one["chosen"]} == chosen
            assert {one["channel"] for one in body["actions"]} == {"app"}
            assert sum(one["accepted"] for one in body["actions"]) == 1
            assert sum(one["negative"] for one in body["actions"]) == 1
            assert sum(one["confirmed"] for one in body["actions"]) == 3
            assert sum(one["value"] for one in body["actions"]) == 2.5
            assert body["held_out"] == sum(one["control_group"] is not None for one in made)
            removed: Counter[str] = Counter()
            for one in made:
                answer = await installation.client.get(f"/v1/decisions/{one['decision_id']}/explanation")
                assert answer.status_code == 200, answer.text
                removed.update(each["removed_by"] for each in answer.json()["candidates"] if "removed_by" in each)
            names = {gate["gate"]: gate["removed"] for gate in body["gates"] if gate["removed"]}
            assert {("not_chosen" if gate == "chosen" else gate): many for gate, many in names.items()} == removed
            await insight.stop()

    run(scenario())


@pytest.mark.parametrize("ending", ["killed", "drained", "killed after a snapshot", "without its journal"])
def test_whatever_ends_it_the_next_one_tells_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, monkeypatch) as installation:
            insight = installation.insight()
            await some_life(installation)
            await settled(insight, 10, 3)
            if ending == "killed after a snapshot":
                assert await insight._keep()
            await installation.decide("c-late")
            await settled(insight, 11, 3)
            before = await funnel(insight)
            recent = [one["decision_id"] for one in unpack(await insight.live())["recent"]]
            if ending == "drained":
                assert unpack(await insight.drain()) == {"drained": True}
            else:
                await insight.stop()
            if ending == "without its journal":
                for path in (tmp_path / INSIGHT_OWNER).iterdir():
                    path.unlink()
            again = installation.insight()
            live = await settled(again, 11, 3)
            assert await funnel(again) == before
            assert {one["decision_id"] for one in live["recent"]} == set(recent)
            assert len(unpack(await again.requests(pack({"size": 50})))) == 11
            await again.stop()

    run(scenario())


def test_what_is_erased_stays_counted_and_is_told_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, monkeypatch) as installation:
            insight = installation.insight()
            for number in range(4):
                await installation.decide(f"c-{number}")
            await settled(insight, 4)
            before = await funnel(insight)
            assert (await installation.client.delete("/v1/customers/c-1")).status_code in (200, 204)
            gone = ids.customer_key(SECRET, ids.MAIN_TENANT, "c-1")
            while any(key == gone for key, _ in unpack(await insight.requests(pack({"size": 50})))):  # noqa: ASYNC110
                await asyncio.sleep(0)
            insight._tells._kept.clear()
            live = await settled(insight, 4)
            assert "c-1" not in {one["customer_id"] for one in live["recent"]}
            assert len(live["recent"]) == 3
            after = await funnel(insight)
            assert after["actions"] == before["actions"]
            while insight._written != insight._counting.changes:  # type: ignore[union-attr]  # noqa: ASYNC110
                await asyncio.sleep(0)
            await insight.stop()
            assert b"c-1" not in (tmp_path / INSIGHT_OWNER / "journal.db").read_bytes()
            again = installation.insight()
            await settled(again, 4)
            assert (await funnel(again))["actions"] == before["actions"]
            await again.stop()

    run(scenario())


def test_a_shard_that_is_lost_is_said_to_be_and_is_read_on_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, monkeypatch) as installation:
            away = False

            async def call(shard: int, method: str, *args: Any) -> bytes:
                if away:
                    raise NotServing("it moves")
                return await installation.kairos.shard(shard, method, *args)

            monkeypatch.setattr(tailing.limits, "FEED_RETRY_MS", 5)
            monkeypatch.setattr(tailing.limits, "FEED_REACHED_MS", 20)
            insight = installation.insight(call)
            await installation.decide("c-1")
            await settled(insight, 1)
            away = True
            insight._tells._kept.clear()
            while any(one["reached"] for one in unpack(await insight.live())["shards"]):
                insight._tells._kept.clear()
                await asyncio.sleep(0)
            await installation.decide("c-2")
            for shard in range(2):
                await installation.kairos.lose(shard)
            away = False
            live = await settled(insight, 2)
            assert sum(one["seq"] for one in live["shards"]) == sum(one["newest"] for one in live["shards"])
            await insight.stop()

    run(scenario())


def test_an_incarnation_that_is_behind_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, monkeypatch) as installation:
            insight = installation.insight()
            await installation.decide("c-1")
            live = await settled(insight, 1)
            counting = insight._counting
            assert counting is not None
            stale = tailing.page_of(pack({"rows": [], "last": 0, "base": None}))
            await counting.take(0, stale, 0)
            await counting.take(1, stale, 0)
            assert [one.seq for one in counting.standings.values()] == [one["seq"] for one in live["shards"]]
            await insight.stop()

    run(scenario())


def test_another_number_of_shards_keeps_the_counts_and_reads_the_new_journals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, monkeypatch) as installation:
            insight = installation.insight()
            await installation.decide("c-1")
            await settled(insight, 1)
            await insight.drain()
            again = Insight({**installation.settings, "shards": 3}, call=_nobody)
            while again._counting is None:  # noqa: ASYNC110
                await asyncio.sleep(0)
            assert (await funnel(again))["decisions"] == 1
            assert [one.seq for one in again._counting.standings.values()] == [0, 0, 0]
            await again.stop()

    run(scenario())


async def _nobody(*_: Any) -> bytes:
    raise NotServing("there is none")


def test_who_knows_what_there_is_is_told_that_nothing_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, monkeypatch) as installation:
            insight = installation.insight(_nobody)
            while insight._counting is None:  # noqa: ASYNC110
                await asyncio.sleep(0)
            live = unpack(await insight.live())
            assert not live["caught_up"]
            known = unpack(await insight.live(pack({"tag": None, "known": live["version"]})))
            assert known.keys() == {"version", "age_ms", "fresh_ms"}
            assert 0 <= known["fresh_ms"] <= limits.INSIGHT_TOLD_MS
            status, body = unpack(await insight.funnel(pack({"window": "all"})))
            status, again = unpack(await insight.funnel(pack({"window": "all", "known": body["version"]})))
            assert (status, again.keys(), again["version"]) == (200, {"version", "fresh_ms"}, body["version"])
            status, refused = unpack(await insight.funnel(pack({"window": "year"})))
            assert status == 422
            assert refused["errors"][0]["loc"] == ["window"]
            await insight.stop()

    run(scenario())


def test_a_second_one_fences_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, monkeypatch) as installation:
            insight = installation.insight()
            await installation.decide("c-1")
            await settled(insight, 1)
            await insight._keep()
            assert insight._record is not None
            insight._record._journal.epoch -= 1  # as the store sees one whose journal was taken over
            await installation.decide("c-2")
            await settled(insight, 2)
            with pytest.raises(Fenced):
                await insight._keep()
            await insight.stop()
            journal = open_store(installation.settings).journal(INSIGHT_OWNER)
            assert len(list(journal.rows(0))) == 1
            journal.close()

    run(scenario())
