"""From the registry of files to the champion of every shard, through the public API of a whole Kairos."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.in_process import InProcess
from support.through_httpx import ThroughHttpx
from unit.scoring.scoring_catalog import catalog

from actors.scorer_registry import ScorerRegistry
from cluster.client import AsyncKairos, Decision
from cluster.training import promote, read_rows, train_and_register, write_rows
from models.errors import BadInput, KairosError
from models.scoring.booster import DEFAULT_PARAMS
from models.scoring.training import train

START_MS = 1_700_000_000_000


def rows_file(path: Path, *names: str) -> Path:
    draw = np.random.default_rng(1)
    told = draw.normal(size=300)
    columns: dict[str, Any] = {
        "time_ms": START_MS + np.arange(300), "action": ["first"] * 300,
        "label": (told + draw.normal(size=300) > 0).astype(np.uint8),
    }
    write_rows(columns | {name: np.where(told > 2, np.nan, told) for name in names}, path)
    return path


def promoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> Decision:
    async def run() -> Decision:
        kairos = InProcess(tmp_path, START_MS, monkeypatch)
        await kairos.start()
        through = ThroughHttpx(kairos.transport(), kairos.key)
        async with AsyncKairos("http://kairos", kairos.key, through=through, timeout_s=5) as client:
            try:
                await client.publish_catalog(catalog())
                await promote(client, version)
                decision = await client.decide("ann", "web", ["hero"], explain=True)
            finally:
                await kairos.stop()
        return decision

    return asyncio.run(run())


def test_a_promoted_scorer_decides_with_its_own_propensities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = read_rows(rows_file(tmp_path / "rows.parquet", "profile.visits_7d", "action.value"))
    version = train_and_register(rows, ScorerRegistry(tmp_path), START_MS).version
    decision = promoted(tmp_path, monkeypatch, version)
    assert decision.scorer_version == version
    assert not decision.degraded
    assert decision.explanation is not None
    (winner,) = (c for c in decision.explanation.candidates if c["action"] == "first")
    assert winner["propensity_source"] == "scorer"
    assert winner["propensity"] != pytest.approx(0.05)


def test_a_scorer_that_reads_what_the_catalog_lacks_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = read_rows(rows_file(tmp_path / "rows.parquet", "profile.shoe_size", "action.value"))
    version = train_and_register(rows, ScorerRegistry(tmp_path), START_MS).version
    with pytest.raises(KairosError, match="shoe_size"):
        promoted(tmp_path, monkeypatch, version)


def damaged(registry: ScorerRegistry, place: Path, how: str) -> str:
    """Another registered scorer that something happened to since."""
    from_ = read_rows(rows_file(place / "other.parquet", "profile.visits_7d", "action.value"))
    trained = train(from_, START_MS, every_feature=True, params={**DEFAULT_PARAMS, "max_depth": 2})
    registry.register(trained.model, trained.manifest)
    folder = place / "scorers" / trained.manifest.version
    told = trained.manifest.to_wire()
    if how == "cut short":
        (folder / trained.manifest.file).write_bytes(trained.model[:-100])
    elif how == "another sha256":
        told["sha256"] = "0" * 64
    elif how == "another order":
        told["features"] = told["features"][::-1]
    (folder / "manifest.json").write_text("{" if how == "no manifest" else json.dumps(told))
    return trained.manifest.version


@pytest.mark.parametrize("how", ["cut short", "another sha256", "another order", "no manifest"])
def test_a_damaged_scorer_is_refused_and_the_champion_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    registry = ScorerRegistry(tmp_path)
    rows = read_rows(rows_file(tmp_path / "rows.parquet", "profile.visits_7d", "action.value"))
    champion = train_and_register(rows, registry, START_MS).version
    other = damaged(registry, tmp_path, how)

    async def run() -> list[Decision]:
        kairos = InProcess(tmp_path, START_MS, monkeypatch)
        await kairos.start()
        through = ThroughHttpx(kairos.transport(), kairos.key)
        async with AsyncKairos("http://kairos", kairos.key, through=through, timeout_s=5) as client:
            try:
                await client.publish_catalog(catalog())
                await promote(client, champion)
                with pytest.raises(KairosError, match=other) as refused:
                    await promote(client, other)
                assert "nothing was changed" in str(refused.value)
                # A machine that is busy elsewhere may let one answer of the scorer come too late, not twenty.
                return [await client.decide(f"ann-{at}", "web", ["hero"]) for at in range(20)]
            finally:
                await kairos.stop()

    decisions = asyncio.run(run())
    assert {decision.scorer_version for decision in decisions} == {champion}
    assert not all(decision.degraded for decision in decisions)


def test_a_version_that_nobody_registered_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KairosError, match="xgb-none"):
        promoted(tmp_path, monkeypatch, "xgb-none")


def test_a_file_of_rows_with_text_where_a_feature_should_be_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    columns = {"time_ms": np.arange(3), "action": ["a"] * 3, "label": np.zeros(3, int), "attribute.town": ["x"] * 3}
    write_rows(columns, path)
    with pytest.raises(BadInput, match=r"attribute\.town.*string"):
        read_rows(path)
    path.write_bytes(b"PAR1 no")
    with pytest.raises(BadInput, match="cannot read"):
        read_rows(path)
