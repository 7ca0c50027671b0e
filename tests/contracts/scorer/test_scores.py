"""What every scorer gives: the numbers of the registered trees, to the bit, whoever else asks."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contracts.scorer.conftest import FEATURES, Open, inside, over_a_link, reading, run

from actors.scorer_registry import ScorerRegistry, UnknownScorerError
from actors.scoring.interface import Scorer
from models import limits
from models.errors import BadInput, KairosError
from models.scoring.booster import Booster
from models.scoring.training import Trained

Pair = tuple[Trained, Trained]


def rows(count: int, seed: int = 3) -> Any:
    made = np.random.default_rng(seed).normal(size=(count, len(FEATURES))).astype(np.float32)
    made[::5, 1] = np.nan
    return made


def trees(one: Trained) -> Booster:
    return Booster(one.model, one.manifest)


@pytest.mark.parametrize("count", [0, 1, 20, 640, 1_280, 20_000])
def test_scores_are_those_of_the_trees_to_the_bit(open_scorer: Open, pair: Pair, count: int) -> None:
    async def scenario() -> None:
        async with open_scorer() as scorer:
            await scorer.find()
            for one in pair:
                found = await scorer.predict(one.manifest.version, rows(count))
                assert (found.dtype, found.shape) == (np.dtype("<f4"), (count,))
                assert found.tobytes() == trees(one).predict(rows(count)).tobytes()

    run(scenario())


def test_rows_score_the_same_inside_and_over_a_link(
    tmp_path: Path, registry: ScorerRegistry, pair: Pair, open_scorer: Open
) -> None:
    version = pair[0].manifest.version

    async def scenario() -> None:
        async with inside(tmp_path) as near, over_a_link(tmp_path) as far:
            await far.find()
            for seed in range(20):
                asked = rows(seed * 7 + 1, seed)
                assert (await near.predict(version, asked)).tobytes() == (await far.predict(version, asked)).tobytes()
                few = asked[: limits.EXPLAINED_ROWS_MAX]
                why = [(await scorer.contributions(version, few)).tobytes() for scorer in (near, far)]
                assert why[0] == why[1]

    run(scenario())


@pytest.mark.parametrize("count", [0, 1, limits.EXPLAINED_ROWS_MAX])
def test_contributions_are_those_of_the_trees_to_the_bit(open_scorer: Open, pair: Pair, count: int) -> None:
    async def scenario() -> None:
        async with open_scorer() as scorer:
            await scorer.find()
            found = await scorer.contributions(pair[0].manifest.version, rows(count))
            assert found.shape == (count, len(FEATURES) + 1)
            assert found.tobytes() == trees(pair[0]).contributions(rows(count)).tobytes()

    run(scenario())


def test_many_who_ask_at_once_get_each_their_own(open_scorer: Open, pair: Pair) -> None:
    async def scenario() -> None:
        async with open_scorer() as scorer:
            await scorer.find()
            asked = [(pair[n % 2], rows(1 + n * 13 % 200, n)) for n in range(60)]
            found = await asyncio.gather(*(scorer.predict(one.manifest.version, part) for one, part in asked))
            expected = [trees(one).predict(part).tobytes() for one, part in asked]
            assert [scores.tobytes() for scores in found] == expected

    run(scenario())


async def refuses(scorer: Scorer, version: str, matrix: Any) -> None:
    with pytest.raises(KairosError):
        await scorer.predict(version, matrix)
    with pytest.raises(KairosError):
        await scorer.contributions(version, matrix[:1])


def test_what_cannot_be_scored_is_refused_and_harms_nobody(
    open_scorer: Open, tmp_path: Path, registry: ScorerRegistry, pair: Pair
) -> None:
    first, second = (one.manifest.version for one in pair)

    async def scenario() -> None:
        (tmp_path / "scorers" / second / pair[1].manifest.file).write_bytes(b"cut short")
        async with open_scorer() as scorer:
            await scorer.find()
            fine = asyncio.gather(*(scorer.predict(first, rows(50, seed)) for seed in range(5)))
            await refuses(scorer, "nothing", rows(5))
            await refuses(scorer, "../scorers", rows(5))
            await refuses(scorer, second, rows(5))
            await refuses(scorer, first, rows(5)[:, :2])
            with pytest.raises(KairosError):
                await scorer.contributions(first, rows(limits.EXPLAINED_ROWS_MAX + 1))
            for seed, found in enumerate(await fine):
                assert found.tobytes() == trees(pair[0]).predict(rows(50, seed)).tobytes()

    run(scenario())


def test_what_is_registered_later_or_mended_is_found_when_it_is_asked_for(
    open_scorer: Open, tmp_path: Path, registry: ScorerRegistry
) -> None:
    later = reading(9)

    async def scenario() -> None:
        async with open_scorer() as scorer:
            await scorer.find()
            await refuses(scorer, later.manifest.version, rows(3))
            registry.register(later.model, later.manifest)
            found = await scorer.predict(later.manifest.version, rows(3))
            assert found.tobytes() == trees(later).predict(rows(3)).tobytes()

    run(scenario())


def test_no_scorer_at_all_is_still_a_scorer_that_answers(open_scorer: Open, tmp_path: Path) -> None:
    async def scenario() -> None:
        (tmp_path / "scorers").rename(tmp_path / "gone")
        async with open_scorer() as scorer:
            await scorer.find()
            await scorer.ping()

    run(scenario())


def test_who_goes_away_takes_nothing_from_those_who_stay(open_scorer: Open, pair: Pair) -> None:
    version = pair[0].manifest.version

    async def scenario() -> None:
        async with open_scorer() as scorer:
            await scorer.find()
            gone = asyncio.create_task(scorer.predict(version, rows(100_000)))
            stays = asyncio.create_task(scorer.predict(version, rows(20)))
            await asyncio.sleep(0)
            gone.cancel()
            assert (await stays).tobytes() == trees(pair[0]).predict(rows(20)).tobytes()
            await asyncio.gather(gone, return_exceptions=True)

    run(scenario())


def test_errors_of_the_registry_keep_their_names_inside(tmp_path: Path, registry: ScorerRegistry, pair: Pair) -> None:
    async def scenario() -> None:
        async with inside(tmp_path) as scorer:
            with pytest.raises(UnknownScorerError):
                await scorer.predict("nothing", rows(1))
            with pytest.raises(BadInput, match="reads 3 columns"):
                await scorer.predict(pair[0].manifest.version, rows(1)[:, :1])

    run(scenario())
