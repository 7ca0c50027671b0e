"""What-if asks the registered scorers themselves, in the process that compares, and does without one it cannot ask."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from simulation.catalog import catalog
from support.trained_scorers import for_target, trained
from unit.whatif.installation import Installation

from actors.scorer_registry import FOLDER, ScorerRegistry
from models.scoring.training import Trained

FEATURES = ("profile.baskets", "action.value")
ONE, NAMED = trained(1, FEATURES), trained(2, FEATURES)
Scenario = Callable[[Installation], Awaitable[None]]


def _calm(**more: Any) -> dict[str, Any]:
    data = copy.deepcopy(catalog())
    data["arbitration"]["exploration"] = {"method": "none", "share": 0.0}
    return {**data, **more}


def _play(place: Path, monkeypatch: pytest.MonkeyPatch, scenario: Scenario, *scorers: Trained) -> None:
    async def run() -> None:
        for one in scorers:
            ScorerRegistry(place).register(one.model, one.manifest)
        made = Installation(place, monkeypatch)
        await made.start()
        try:
            await made.publish(_calm())
            answer = await made.ask("POST", f"/v1/scorers/{ONE.manifest.version}:promote")
            assert answer.status_code in (200, 202), answer.text
            async with asyncio.timeout(60):
                await scenario(made)
        finally:
            await made.stop()

    asyncio.run(run())


REQUESTS = [
    {"customer_id": f"c-{number}", "channel": "web", "placements": [{"id": "hero"}, {"id": "strip", "count": 2}]}
    for number in range(5)
]


async def _told(made: Installation, candidate: dict[str, Any]) -> dict[str, Any]:
    answer = await made.ask("POST", "/v1/whatif", {"catalog": candidate, "requests": REQUESTS})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_the_champion_scores_both_sides_as_it_scores_live_decisions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(made: Installation) -> None:
        told = await _told(made, _calm())
        assert (told["changed"], told["notes"]) == (0, [])
        for request, result in zip(REQUESTS, told["results"], strict=True):
            explained = (await made.ask("POST", "/v1/explanations", request)).json()
            assert explained["scorer_version"] == ONE.manifest.version
            for side in ("live", "candidate"):
                assert result[side]["scorer_version"] == ONE.manifest.version
                assert result[side]["placements"] == explained["placements"]

    _play(tmp_path, monkeypatch, scenario, ONE)


def test_a_damaged_file_leaves_both_sides_to_evidence_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(made: Installation) -> None:
        file = tmp_path / FOLDER / ONE.manifest.version / ONE.manifest.file
        whole = file.read_bytes()
        file.write_bytes(whole[:-20])
        told = await _told(made, _calm())
        assert {result[side]["degraded"] for result in told["results"] for side in ("live", "candidate")
                if result[side]["control_group"] is None} == {True}
        assert told["changed"] == 0
        assert told["notes"] == [
            f"Scorer {ONE.manifest.version} cannot be asked, for its file is missing, damaged or gives no numbers: "
            "evidence alone decides."
        ]
        file.write_bytes(whole)
        assert (await _told(made, _calm()))["notes"] == []

    _play(tmp_path, monkeypatch, scenario, ONE)


def test_the_scorer_that_an_experiment_of_the_candidate_names_decides_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def experiment(version: str) -> list[dict[str, Any]]:
        variants = [{"id": "as_is", "weight": 1}, {"id": "new", "weight": 99, "scorer": version}]
        return [{"id": "e", "share": 1.0, "observe": "3h", "variants": variants}]

    async def scenario(made: Installation) -> None:
        told = await _told(made, _calm(experiments=experiment(NAMED.manifest.version)))
        assert told["notes"] == ["Customers enter these experiments as on their first day: e."]
        versions = {result["candidate"]["scorer_version"] for result in told["results"]}
        assert NAMED.manifest.version in versions
        assert {result["live"]["scorer_version"] for result in told["results"]} == {ONE.manifest.version}
        for version in ("nobody", for_target(NAMED, "t").manifest.version):
            told = await _told(made, _calm(experiments=experiment(version)))
            assert told["notes"][-1].startswith(f"An experiment names scorer {version}, which is not registered")
            assert {result["candidate"]["scorer_version"] for result in told["results"]} == {ONE.manifest.version}

    _play(tmp_path, monkeypatch, scenario, ONE, NAMED, for_target(NAMED, "t"))
