"""`kairos evaluate --catalog` on what a whole Kairos left behind."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from support.in_process import InProcess
from support.through_httpx import ThroughHttpx
from typer.testing import CliRunner
from unit.evaluation.shop import HOUR_MS, LEVERS, START_MS, catalog

from cluster.cli import app
from cluster.client import AsyncKairos
from models.times import format_time

CUSTOMERS = 60


async def lived_in(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Every customer decides once and accepts or not; how many accepted."""
    kairos = InProcess(data_dir, START_MS, monkeypatch)
    await kairos.start()
    accepted = 0
    async with AsyncKairos("http://k", kairos.key, through=ThroughHttpx(kairos.transport(), kairos.key)) as client:
        await client.publish_catalog(catalog())
        for number in range(CUSTOMERS):
            decision = await client.decide(f"c-{number}", "web", ["strip"], request_id=f"r-{number}")
            item = decision.placements[0].items[0]
            if number % 4 == 0:
                accepted += 1
                outcome = {"outcome_id": f"o-{number}", "decision_id": decision.decision_id, "action": item.action,
                           "type": "accept", "time": format_time(START_MS)}
                assert (await client.send_outcomes([outcome]))[0].status == "applied"
        await client.set_clock(format_time(START_MS + 3 * HOUR_MS))
    await kairos.stop()
    return accepted


def test_the_journals_of_a_stopped_server_say_what_another_catalog_would_have_earned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = asyncio.run(lived_in(tmp_path, monkeypatch))
    for name, levers in (("same", LEVERS), ("other", {**LEVERS, "upgrade": 300.0})):
        (tmp_path / f"{name}.yaml").write_text(json.dumps(catalog(levers)))
    found = {}
    for name in ("same", "other"):
        done = CliRunner().invoke(app, [
            "evaluate", "--catalog", str(tmp_path / f"{name}.yaml"), "--data-dir", str(tmp_path), "--json",
        ])
        assert done.stdout, (done.stderr, done.exception)
        found[name] = done.exit_code, json.loads(done.stdout)
    status, same = found["same"]
    assert status == 0
    assert same["ips"]["value"] == pytest.approx(accepted / CUSTOMERS)
    assert (same["rounds"], same["verdict"]) == (CUSTOMERS, "weak"), "60 rounds are few"
    status, other = found["other"]
    assert other["max_weight"] > 2.0
    assert (status, other["verdict"]) == (1, "refused")


@pytest.mark.parametrize("options", [
    [], ["--log", "l.parquet"], ["--reward", "clicks", "--scorer", "x"],
    ["--log", "l.parquet", "--policy", "l.parquet", "--scorer", "x"],
])
def test_what_to_evaluate_is_said_in_one_of_two_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("l.parquet").touch()
    assert CliRunner().invoke(app, ["evaluate", *options]).exit_code == 2
