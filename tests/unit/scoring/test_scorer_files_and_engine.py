"""Registered scorers on disk, and the engine that answers shards from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.trained_scorers import for_target, trained

from actors.scorer_registry import ScorerRegistry, UnknownScorerError
from actors.scoring.engine import ScoringEngine
from actors.scoring.loaded import LoadedScorers, open_scorers
from actors.scoring.wire import PING, PONG, Asked, pack_asked, unpack_asked, unpack_scores
from models import limits
from models.canonical import pack, unpack
from models.errors import BadInput, KairosError
from models.scoring.booster import Booster
from models.scoring.training import Trained


@pytest.fixture(scope="module")
def pair() -> tuple[Trained, Trained]:
    return trained(1), trained(2)


@pytest.fixture
def registry(tmp_path: Path, pair: tuple[Trained, Trained]) -> ScorerRegistry:
    made = ScorerRegistry(tmp_path)
    for one in pair:
        made.register(one.model, one.manifest)
    return made


def request(version: str, matrix: Any) -> Asked:
    return unpack_asked(pack_asked(version, np.asarray(matrix, np.float32)))


def engine_of(registry: ScorerRegistry) -> ScoringEngine:
    return ScoringEngine(LoadedScorers(registry))


def scores(answer: bytes | KairosError) -> list[float]:
    assert isinstance(answer, bytes)
    found: list[float] = unpack_scores(answer, unpack(answer)["version"]).tolist()
    return found


def test_what_is_registered_is_listed_oldest_first_and_loads(
    registry: ScorerRegistry, pair: tuple[Trained, Trained]
) -> None:
    assert registry.manifests() == [one.manifest for one in pair]
    assert registry.newest() == pair[1].manifest
    assert registry.load(pair[0].manifest.version).manifest == pair[0].manifest


def test_registering_twice_changes_nothing(
    tmp_path: Path, registry: ScorerRegistry, pair: tuple[Trained, Trained]
) -> None:
    registry.register(pair[0].model, pair[0].manifest)
    folder = tmp_path / "scorers" / pair[0].manifest.version
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "model.ubj"]
    assert len(registry.manifests()) == 2


def test_a_scorer_whose_file_does_not_fit_is_never_registered(tmp_path: Path, pair: tuple[Trained, Trained]) -> None:
    registry = ScorerRegistry(tmp_path)
    with pytest.raises(BadInput):
        registry.register(pair[0].model, pair[1].manifest)
    assert registry.newest() is None
    assert not list(tmp_path.rglob("*.ubj"))


def test_a_damaged_scorer_is_refused_and_hides_no_other(
    tmp_path: Path, registry: ScorerRegistry, pair: tuple[Trained, Trained]
) -> None:
    first, second = pair
    model = tmp_path / "scorers" / first.manifest.version / "model.ubj"
    model.write_bytes(model.read_bytes()[:100])
    with pytest.raises(BadInput, match="cut short"):
        registry.load(first.manifest.version)
    (model.parent / "manifest.json").write_text("{")
    assert registry.manifests() == [second.manifest]


@pytest.mark.parametrize("version", ["nothing", "../scorers", "", ".new-x", "a/b", "x" * 500])
def test_a_version_that_is_none_is_unknown_and_leads_nowhere(registry: ScorerRegistry, version: str) -> None:
    with pytest.raises(UnknownScorerError):
        registry.load(version)


def test_requests_of_several_shards_get_what_each_would_get_alone(
    registry: ScorerRegistry, pair: tuple[Trained, Trained]
) -> None:
    first, second = (one.manifest.version for one in pair)
    draw = np.random.default_rng(5)
    asked = [(first, draw.normal(size=(3, 2))), (second, draw.normal(size=(1, 2))), (first, draw.normal(size=(4, 2)))]
    answers = engine_of(registry).answer([request(version, matrix) for version, matrix in asked])
    for (version, matrix), answer in zip(asked, answers, strict=True):
        trees = {one.manifest.version: Booster(one.model, one.manifest) for one in pair}[version]
        assert scores(answer) == trees.predict(matrix.astype(np.float32)).tolist()


def test_no_version_and_no_rows_are_answered(registry: ScorerRegistry, pair: tuple[Trained, Trained]) -> None:
    empty = request(pair[0].manifest.version, np.zeros((0, 2)))
    none, nothing = engine_of(registry).answer([unpack_asked(PING), empty])
    assert none == PONG
    assert scores(nothing) == []


def test_a_bad_request_fails_alone(registry: ScorerRegistry, pair: tuple[Trained, Trained]) -> None:
    version = pair[0].manifest.version
    matrix = np.ones((2, 2))
    answers = engine_of(registry).answer([
        request("gone", matrix), request(version, np.ones((1, 3))), request(version, matrix),
    ])
    assert [type(answer) for answer in answers[:2]] == [UnknownScorerError, BadInput]
    assert len(scores(answers[2])) == 2


@pytest.mark.parametrize("asked", [
    b"\xc1", b"", pack([1]), pack({"version": "v", "rows": 9, "cols": 2, "data": b"1234"}), pack({"version": "v"}),
    pack({"version": "v", "rows": 1, "cols": 1, "data": "text"}),
    pack({"version": "v", "rows": -1, "cols": 1, "data": b"12"}),
    pack({"version": ["v"], "rows": 0, "cols": 1, "data": b""}),
])
def test_what_is_no_request_is_refused(asked: bytes) -> None:
    with pytest.raises(BadInput):
        unpack_asked(asked)


def test_only_so_many_scorers_stay_in_memory(tmp_path: Path) -> None:
    registry, one = ScorerRegistry(tmp_path), trained(1)
    many = [for_target(one, f"t{number}") for number in range(limits.SCORERS_LOADED_MAX + 2)]
    for one in many:
        registry.register(one.model, one.manifest)
    loaded = LoadedScorers(registry)
    engine = ScoringEngine(loaded)
    engine.answer([request(one.manifest.version, np.ones((1, 2))) for one in many])
    assert len(loaded) == limits.SCORERS_LOADED_MAX
    assert len(scores(engine.answer([request(many[0].manifest.version, np.ones((1, 2)))])[0])) == 1


def test_the_newest_is_there_before_it_is_asked_for(
    tmp_path: Path, registry: ScorerRegistry, pair: tuple[Trained, Trained]
) -> None:
    loaded = open_scorers(registry)
    assert loaded.found(pair[1].manifest.version) is not None
    assert loaded.found(pair[0].manifest.version) is None


def test_a_place_with_nothing_or_something_damaged_is_opened_all_the_same(
    tmp_path: Path, registry: ScorerRegistry
) -> None:
    assert len(open_scorers(ScorerRegistry(tmp_path / "none"))) == 0
    newest = registry.newest()
    assert newest is not None
    (tmp_path / "scorers" / newest.version / newest.file).write_bytes(b"")
    assert len(open_scorers(registry)) == 0
