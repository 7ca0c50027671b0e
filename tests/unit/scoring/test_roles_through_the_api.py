"""Every change of role through the public API of a whole Kairos, under steady decisions; damaged files are refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.in_process import InProcess
from support.through_httpx import ThroughHttpx
from support.trained_scorers import trained
from unit.scoring.scoring_catalog import catalog

from actors.scorer_registry import FOLDER, ScorerRegistry
from cluster.client import AsyncKairos
from models.scoring.roles import MILLIONTHS, is_canary
from models.scoring.training import Trained

START_MS = 1_700_000_000_000
FEATURES = ("profile.visits_7d", "action.value")
ONE, TWO, THREE, DAMAGED = (trained(seed, FEATURES) for seed in (1, 2, 3, 4))
CUSTOMERS = [f"somebody-{number}" for number in range(40)]


def version(one: Trained) -> str:
    return one.manifest.version


class Live:
    def __init__(self, kairos: InProcess, client: AsyncKairos, data_dir: Path) -> None:
        self.kairos, self.client, self.data_dir = kairos, client, data_dir

    async def post(self, call: str, body: Any = None) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {self.kairos.key}"}
        async with httpx.AsyncClient(transport=self.kairos.transport(), base_url="http://k", headers=headers) as client:
            answer = await client.post(f"/v1/{call}", json=body)
        return answer.status_code, answer.json()

    async def scorers(self) -> dict[str, tuple[str, float | None]]:
        return {one.version: (one.role, one.share) for one in await self.client.scorers()}

    async def deciding(self) -> dict[str, str | None]:
        """Who scores each customer."""
        told = [await self.client.decide(customer, "web", ["hero"]) for customer in CUSTOMERS]
        assert not any(one.degraded for one in told)
        return {one.customer_id: one.scorer_version for one in told}

    def file(self, one: Trained) -> Path:
        return self.data_dir / FOLDER / version(one) / one.manifest.file


@asynccontextmanager
async def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scorers: tuple[Trained, ...]) -> AsyncIterator[Live]:
    for one in scorers:
        ScorerRegistry(tmp_path).register(one.model, one.manifest)
    kairos = InProcess(tmp_path, START_MS, monkeypatch)
    await kairos.start()
    through = ThroughHttpx(kairos.transport(), kairos.key)
    async with AsyncKairos("http://kairos", kairos.key, through=through, timeout_s=20) as client:
        try:
            await client.publish_catalog(catalog())
            await client.wait_until_ready()
            yield Live(kairos, client, tmp_path)
        finally:
            await kairos.stop()


Story = Callable[[Live], Awaitable[None]]


def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scorers: tuple[Trained, ...], story: Story) -> None:
    async def scenario() -> None:
        async with live(tmp_path, monkeypatch, scorers) as made:
            await story(made)

    asyncio.run(asyncio.wait_for(scenario(), 120))


def test_roles_change_under_steady_decisions_and_none_of_them_fails_or_goes_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(made: Live) -> None:
        client = made.client
        told: list[Any] = []
        over = asyncio.Event()

        async def decide_on() -> None:
            while not over.is_set():
                told.append(await client.decide(CUSTOMERS[len(told) % len(CUSTOMERS)], "web", ["hero"]))

        await client.promote(version(ONE))
        deciding = asyncio.gather(*(decide_on() for _ in range(3)))
        await client.canary(version(TWO), 0.5)
        await client.shadow(version(THREE))
        assert (await made.scorers())[version(TWO)] == ("canary", 0.5)
        expected = {
            customer: version(TWO if is_canary(version(TWO), MILLIONTHS // 2, customer) else ONE)
            for customer in CUSTOMERS
        }
        assert await made.deciding() == expected
        await client.promote(version(THREE))
        await client.canary(version(TWO), 0)
        assert set((await made.deciding()).values()) == {version(THREE)}
        back = await client.roll_back()
        assert (back.version, set((await made.deciding()).values())) == (version(ONE), {version(ONE)})
        await client.retire(version(THREE))
        over.set()
        await deciding
        assert [one for one in told if one.degraded] == []
        assert {one.scorer_version for one in told} == {version(one) for one in (ONE, TWO, THREE)}
        roles = await made.scorers()
        assert {name: role for name, (role, _) in roles.items()} == {
            version(ONE): "champion", version(TWO): "registered", version(THREE): "retired",
        }
        explained = await client.explanation_of(told[-1].decision_id)
        assert explained.data["versions"]["scorer"] == told[-1].scorer_version
        early = await client.explanation_of(next(one for one in told if one.scorer_version == version(TWO)).decision_id)
        assert early.data["versions"]["scorer"] == version(TWO)

    play(tmp_path, monkeypatch, (ONE, TWO, THREE), story)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _tampered(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _other_columns(path: Path) -> None:
    manifest = path.with_name("manifest.json")
    told = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**told, "features": told["features"][::-1]}))


@pytest.mark.parametrize("damage", [_cut, _tampered, Path.unlink, _other_columns])
def test_a_damaged_scorer_gets_no_role_and_the_champion_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None]
) -> None:
    async def story(made: Live) -> None:
        await made.client.promote(version(ONE))
        await made.client.scorers()  # so that it is registered before it is damaged
        damage(made.file(DAMAGED))
        before = await made.scorers()
        for call, body in (("promote", None), ("canary", {"share": 0.5}), ("shadow", None)):
            status, told = await made.post(f"scorers/{version(DAMAGED)}:{call}", body)
            assert (status, told["errors"][0]["loc"]) == (422, ["version"]), told
        assert await made.scorers() == before
        assert set((await made.deciding()).values()) == {version(ONE)}

    play(tmp_path, monkeypatch, (ONE, DAMAGED), story)


def test_a_canary_that_was_damaged_since_can_still_be_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(made: Live) -> None:
        await made.client.promote(version(ONE))
        await made.client.canary(version(DAMAGED), 0.5)
        _cut(made.file(DAMAGED))
        assert (await made.post(f"scorers/{version(DAMAGED)}:canary", {"share": 0.4}))[0] == 422
        assert (await made.post(f"scorers/{version(DAMAGED)}:canary", {"share": 0}))[0] == 200
        assert set((await made.deciding()).values()) == {version(ONE)}

    play(tmp_path, monkeypatch, (ONE, DAMAGED), story)


def test_nobody_rolls_back_to_a_scorer_that_was_damaged_since(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(made: Live) -> None:
        await made.client.promote(version(ONE))
        await made.client.promote(version(TWO))
        _cut(made.file(ONE))
        assert (await made.post("scorers:rollback"))[0] == 422
        assert set((await made.deciding()).values()) == {version(TWO)}

    play(tmp_path, monkeypatch, (ONE, TWO), story)


def test_a_catalog_whose_experiment_names_a_damaged_scorer_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(made: Live) -> None:
        await made.client.scorers()
        _cut(made.file(ONE))
        variants = [{"id": "control", "weight": 1}, {"id": "new", "weight": 1, "scorer": version(ONE)}]
        named = {**catalog(), "experiments": [{"id": "scorers", "share": 1.0, "variants": variants}]}
        live_version = (await made.client.catalog()).catalog_version
        headers = {"authorization": f"Bearer {made.kairos.key}"}
        async with httpx.AsyncClient(transport=made.kairos.transport(), base_url="http://k", headers=headers) as client:
            answer = await client.put("/v1/catalog", json=named)
        assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (
            422, ["experiments", 0, "variants", 1, "scorer"],
        )
        assert (await made.client.catalog()).catalog_version == live_version

    play(tmp_path, monkeypatch, (ONE,), story)


def test_a_share_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(made: Live) -> None:
        for share in (-0.1, 1.5, "half", None):
            status, told = await made.post(f"scorers/{version(ONE)}:canary", {"share": share})
            assert (status, told["errors"][0]["loc"]) == (422, ["share"])

    play(tmp_path, monkeypatch, (ONE,), story)
