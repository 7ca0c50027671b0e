"""Bank Marketing as a stream of ten tenths: a scorer trained once on the first, one trained again after every tenth.

Each is judged on the tenth that follows what the second one has seen, so nobody is judged on what it learnt from. Both
are made twice: as ``kairos train`` makes them, which keeps the latest rows out of the trees to calibrate on them, and
as bare trees on every row, without calibration. Also written: what a random split would have promised and what the leak
is worth, with 200 trees of depth 4.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from loadtests.bench import machine
from loadtests.learning import bank_marketing as bank
from models.monitoring.stability import BINS, binned, expected_shares, has_drifted, psi
from models.scoring import metrics
from models.scoring.booster import Booster, Grown, grow
from models.scoring.manifest import Manifest
from models.scoring.rows import Rows
from models.scoring.training import train

RESULTS: Final = Path(__file__).parents[1] / "results"
NAME: Final = "bank_marketing"
#: What the facts of the data were measured with.
TREES: Final = 200
PARAMS: Final = {
    "objective": "binary:logistic", "eval_metric": "logloss", "tree_method": "hist", "max_depth": 4, "eta": 0.1,
    "seed": 1,
}
TEST_SHARE: Final = 0.2
#: A random split is another one with another seed.
SEEDS: Final = (0, 1, 2)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m loadtests.learning bank-marketing", description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS, help="where to write; loadtests/results without it")
    folder: Path = parser.parse_args(arguments).results
    calls = bank.read()
    found = {"machine": machine.described(), "facts": facts(calls), "tenths": stream(calls)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.json").write_text(json.dumps(found, indent=1) + "\n")
    from loadtests.learning.bank_picture import draw  # matplotlib takes a second: only for who draws

    print(json.dumps(found["tenths"], indent=1))
    print(f"written: {folder / NAME}.json, {draw(found['tenths'], folder / f'{NAME}.png')}")


def facts(calls: bank.Calls) -> dict[str, Any]:
    """Base rates, and the areas under the curve that three ways of judging the same trees give."""
    cuts = bank.bounds(len(calls))
    honest = bank.rows(calls, bank.columns(calls, year=True))
    leaking = bank.rows(calls, bank.columns(calls, year=True, leak=True))
    count = len(calls)
    time_split = np.arange(count) >= int(count * (1 - TEST_SHARE))
    random_splits = [_shuffled(count, seed) for seed in SEEDS]
    return {
        "rows": count, "base_rate": round(float(calls.label.mean()), 4),
        "base_rates": [round(float(calls.label[a:z].mean()), 4) for a, z in pairwise(cuts)],
        "auc_random_splits": [round(_area(honest, test), 4) for test in random_splits],
        "auc_time_split": round(_area(honest, time_split), 4),
        "auc_with_duration": round(_area(leaking, random_splits[0]), 4),
    }


def stream(calls: bank.Calls, tenths: Sequence[int] = range(2, bank.TENTHS + 1)) -> list[dict[str, Any]]:
    """The scorers on each of these tenths (not the first), and how far its features are from the first tenth's."""
    every = bank.rows(calls, bank.columns(calls))
    cuts = bank.bounds(len(calls))
    once = _learn(part(every, 0, cuts[1]))
    found = []
    for tenth in tenths:
        judged = part(every, cuts[tenth - 1], cuts[tenth])
        again = once if tenth == 2 else _learn(part(every, 0, cuts[tenth - 1]))
        found.append({
            "tenth": tenth, "rows": len(judged), "base_rate": round(float(judged.label.mean()), 4),
            "once": judge(judged, _scores(once[0], judged)), "again": judge(judged, _scores(again[0], judged)),
            "bare_once": judge(judged, once[1].predict(judged.matrix)),
            "bare_again": judge(judged, again[1].predict(judged.matrix)),
            "psi": drift(once[0].manifest, judged),
        })
    return found


def judge(rows: Rows, score: NDArray[np.float32]) -> dict[str, float]:
    """Of one scorer on one tenth."""
    predicted, observed = float(score.mean()), float(rows.label.mean())
    return {
        "auc": round(metrics.auc(rows.label, score), 4), "log_loss": round(metrics.log_loss(rows.label, score), 4),
        "predicted": round(predicted, 4), "observed": round(observed, 4), "ratio": round(observed / predicted, 3),
    }


def drift(manifest: Manifest, rows: Rows) -> dict[str, float]:
    """Feature -> its population stability index against what the scorer learnt from, where it has drifted; the most
    drifted first."""
    found = {}
    for name, reference in manifest.reference.items():
        bins = binned(rows.matrix[:, rows.features.index(name)], reference)
        index = float(psi(np.bincount(bins, minlength=BINS), expected_shares(reference)))
        if has_drifted(index, len(rows), len(reference.shares)):
            found[name] = round(index, 3)
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def part(rows: Rows, start: int, end: int) -> Rows:
    return replace(
        rows, time_ms=rows.time_ms[start:end], label_time_ms=rows.label_time_ms[start:end],
        actions=rows.actions[start:end], label=rows.label[start:end], weight=rows.weight[start:end],
        matrix=rows.matrix[start:end],
    )


def _scores(booster: Booster, rows: Rows) -> NDArray[np.float32]:
    return booster.predict(rows.matrix[:, [rows.features.index(name) for name in booster.manifest.features]])


def _learn(rows: Rows) -> tuple[Booster, Grown]:
    """As ``kairos train`` does it, and bare trees."""
    trained = train(rows, created_ms=0)
    everything = rows.part(np.ones(len(rows), np.bool_))
    return Booster(trained.model, trained.manifest), grow(rows.features, everything, None, rounds=TREES, params=PARAMS)


def _shuffled(count: int, seed: int) -> NDArray[np.bool_]:
    test = np.zeros(count, np.bool_)
    test[np.random.RandomState(seed).permutation(count)[: int(count * TEST_SHARE)]] = True
    return test


def _area(rows: Rows, test: NDArray[np.bool_]) -> float:
    grown = grow(rows.features, rows.part(~test), None, rounds=TREES, params=PARAMS)
    return metrics.auc(rows.label[test], grown.predict(rows.matrix[test]))
