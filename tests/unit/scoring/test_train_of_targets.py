"""``kairos train --target`` over the journal of a stopped shard: a scorer that its target takes, or an error."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from unit.shard.rig import START_MS, Rig, event, run, send
from unit.shard.test_refreshing import PLAN, Coordinator, roles

from actors.scorer_registry import ScorerRegistry
from cluster.cli import app
from models.limits import DAY_MS
from models.scoring.targets import definition, refusals
from models.turn.commands import HISTORY, Command

CUSTOMERS, DAYS = 24, 400


def history(customer: int) -> Iterator[Command]:
    """Baskets of the years before: of every other customer two a day for a while, then none for a while."""
    rng = random.Random(customer)
    day, place = -DAYS + rng.random(), 0
    while day < 0:
        for _ in range(rng.randint(3, 6)):
            yield imported(f"c{customer}", place, day)
            place, day = place + 1, day + 0.02
        day += rng.choice([1.0, 60.0])


def imported(name: str, place: int, day: float) -> Command:
    at_ms = START_MS + round(day * DAY_MS)
    live = event(name, f"old:{place}", time_ms=at_ms)
    return replace(live, kind=HISTORY, body={**live.body, "source": "old"})


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with customers whose life was imported."""
    place = tmp_path_factory.mktemp("targets")
    rig = Rig(place)
    rig.coordinator = Coordinator(roles())

    async def play() -> None:
        async with rig.shard() as shard:
            for customer in range(CUSTOMERS):
                answers = await send(shard, *history(customer))
                assert {body["status"] for _, body in answers} == {"applied"}

    run(play())
    return place


def train(place: Path, target: str, *arguments: str) -> tuple[int, str, str]:
    """(exit status, output, the error's text)."""
    told = ["--target", target, "--data-dir", str(place), "--threads", "1", "--json", *arguments]
    done = CliRunner().invoke(app, ["train", *told])
    return done.exit_code, done.output, str(done.exception)


def test_a_target_is_learnt_and_registered_under_its_name(journal: Path) -> None:
    status, output, error = train(journal, "eagerness")
    assert status == 0, error
    told: dict[str, Any] = json.loads(output)
    manifest = ScorerRegistry(journal).manifest(told["version"])
    assert (manifest.target, manifest.objective) == ("eagerness", "probability")
    assert manifest.asks == definition(PLAN.targets["eagerness"])
    assert refusals(manifest.to_wire(), PLAN) == []
    assert manifest.rows["all"] > 500
    assert told["promoted"] is False


@pytest.mark.parametrize(("target", "arguments", "says"), [
    ("eagernes", (), "unknown target 'eagernes'; did you mean 'eagerness'? known: best_channel, eagerness"),
    ("best_channel", (), "no customer was known and was contacted at an instant that is 28 days past"),
])
def test_what_cannot_be_learnt_is_said_and_nothing_is_registered(
    journal: Path, target: str, arguments: tuple[str, ...], says: str
) -> None:
    before = [manifest.version for manifest in ScorerRegistry(journal).manifests()]
    status, _, error = train(journal, target, *arguments)
    assert status == 1
    assert says in error
    assert [manifest.version for manifest in ScorerRegistry(journal).manifests()] == before


def test_rows_of_a_file_teach_no_target(journal: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").touch()
    status, _, error = train(journal, "eagerness", "--rows", str(tmp_path / "rows.parquet"))
    assert status == 1
    assert "leave --rows out" in error
