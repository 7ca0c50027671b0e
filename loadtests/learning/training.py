"""What training and calibrated scores cost beside bare xgboost, in turn on the same rows.

The final fit with its calibration, as ``models.scoring.training`` does them, against bare growth of as many trees on
the same rows; then a whole training with its stages; then ``Booster.predict`` through an isotonic curve against bare
``inplace_predict``. Reading and selecting are told apart from the fit.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import xgboost

from cluster.training import Stopwatch, read_rows, write_rows
from models.scoring.booster import DEFAULT_PARAMS, Booster, grow
from models.scoring.calibrating import calibrate, isotonic
from models.scoring.manifest import Manifest, version_of
from models.scoring.rows import Rows, from_columns
from models.scoring.splitting import split
from models.scoring.training import HOLDOUT_DEFAULT, train

ROWS: Final = 1_000_000
FEATURES: Final = tuple(f"profile.f{number}" for number in range(40))
#: Features that tell something; the others are noise.
_TELLING: Final = 12
ROUNDS: Final = 200
REPEATS: Final = 3
SCORED_ROWS: Final = (20, 200)
_CALLS: Final = 400
_SCORING_REPEATS: Final = 9
#: Trees behind the scores that are timed: those of the other benchmarks.
_TREES: Final = 100


def run(rows: int = ROWS, rounds: int = ROUNDS, repeats: int = REPEATS, whole: bool = True) -> dict[str, Any]:
    """Seconds and ratios by name. ``whole``: also a training from file to scorer, with its stages."""
    columns = made_up(rows)
    learnt = from_columns(columns, FEATURES)
    found: dict[str, Any] = {
        "rows": rows, "features": len(FEATURES), "rounds": rounds, "threads": _threads(),
        **_fits(learnt, rounds, repeats), "scoring": _scoring(),
    }
    if whole:
        found |= _whole(columns)
    return found


def made_up(rows: int) -> dict[str, Any]:
    """Columns of rows whose log-odds are a sum over some features, one product among them."""
    draw = np.random.default_rng(1)
    told = draw.normal(size=(len(FEATURES), rows)).astype(np.float32)
    told[:, draw.random(rows) < 0.05] = np.nan
    strength = np.linspace(0.6, 0.1, _TELLING, dtype=np.float32)
    known = np.nan_to_num(told)
    margin = strength @ known[:_TELLING] + 0.4 * known[0] * known[1] - 2.0
    return {
        "time_ms": 1_700_000_000_000 + np.arange(rows) * 1_000, "action": [f"a{one % 50}" for one in range(rows)],
        "label": (draw.random(rows) < 1.0 / (1.0 + np.exp(-margin))).astype(np.uint8),
        **dict(zip(FEATURES, told, strict=True)),
    }


def _fits(rows: Rows, rounds: int, repeats: int) -> dict[str, Any]:
    """Both growths in turn, on the rows before the latest."""
    parts = split(rows, HOLDOUT_DEFAULT)
    matrix, label, _ = (np.ascontiguousarray(one) for one in rows.part(parts.before_latest))
    params = {**DEFAULT_PARAMS, "nthread": _threads(), "verbosity": 0}

    def own() -> None:
        grown = grow(rows.features, rows.part(parts.before_latest), None, rounds=rounds, threads=_threads())
        rest, told, weight = rows.part(parts.latest)
        calibrate(grown.predict(rest), told.astype(np.uint8, copy=False), weight)

    ways: dict[str, Callable[[], object]] = {
        "bare_quantile": lambda: xgboost.train(params, xgboost.QuantileDMatrix(matrix, label), rounds),
        "bare_dmatrix": lambda: xgboost.train(params, xgboost.DMatrix(matrix, label), rounds),
        "own": own,
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    worked: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            begun, before = time.perf_counter(), time.process_time()
            way()
            taken[name].append(time.perf_counter() - begun)
            worked[name].append(time.process_time() - before)
    return {
        "seconds": _rounded(taken), "cpu_seconds": _rounded(worked), "fit_ratios": _ratios(taken),
        "fit_cpu_ratios": _ratios(worked),
    }


def _ratios(taken: dict[str, list[float]]) -> list[float]:
    """Against the faster of the bare ways, round by round."""
    bare = [min(pair) for pair in zip(taken["bare_quantile"], taken["bare_dmatrix"], strict=True)]
    return [one / fastest for one, fastest in zip(taken["own"], bare, strict=True)]


def _rounded(taken: dict[str, list[float]]) -> dict[str, list[float]]:
    return {name: [round(one, 2) for one in seconds] for name, seconds in taken.items()}


def _whole(columns: dict[str, Any]) -> dict[str, Any]:
    """From a file to a scorer, stage by stage."""
    with tempfile.TemporaryDirectory(prefix="kairos-bench-") as place:
        path = Path(place) / "rows.parquet"
        write_rows(columns, path)
        stopwatch = Stopwatch()
        rows = read_rows(path, watch=lambda done, of: stopwatch("reading", done, of))
        trained = train(rows, 0, threads=_threads(), watch=stopwatch)
    return {"stages": stopwatch.lap(), "metrics": trained.manifest.metrics, "dropped": len(trained.manifest.dropped),
            "trees": trained.manifest.params["rounds"], "calibration": trained.manifest.calibration.kind}


def _scoring() -> dict[str, Any]:
    """Microseconds of a call, calibrated and bare, by number of rows; each the median of a round, rounds in turn."""
    booster, bare = _calibrated()
    found: dict[str, Any] = {"points": len(booster.manifest.calibration.x), "trees": booster.trees}
    for count in SCORED_ROWS:
        matrix = np.random.default_rng(3).normal(size=(count, len(FEATURES))).astype(np.float32)
        ways: dict[str, Callable[[], object]] = {
            "bare": lambda matrix=matrix: bare.inplace_predict(matrix, validate_features=False),
            "calibrated": lambda matrix=matrix: booster.predict(matrix),
        }
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(_SCORING_REPEATS):
            for name, way in ways.items():
                taken[name].append(_median_us(way))
        found[f"{count} rows"] = {name: round(statistics.median(each), 1) for name, each in taken.items()} | {
            "ratios": [own / one for own, one in zip(taken["calibrated"], taken["bare"], strict=True)]}
    return found


def _calibrated() -> tuple[Booster, xgboost.Booster]:
    """The same trees behind an isotonic curve of many points, and alone."""
    columns = made_up(30_000)
    rows = from_columns(columns, FEATURES)
    part = rows.part(np.ones(len(rows), np.bool_))
    grown = grow(FEATURES, part, None, rounds=_TREES)
    curve = isotonic(grown.predict(rows.matrix), rows.label.astype(np.uint8), rows.weight)
    assert curve is not None
    version, sha256 = version_of(grown.model, FEATURES, curve)
    manifest = Manifest(
        version=version, file="model.ubj", sha256=sha256, features=FEATURES, trained_from_ms=0, trained_until_ms=1,
        rows={}, accepted={}, metrics={}, params={}, created_ms=0, calibration=curve,
    )
    return Booster(grown.model, manifest), xgboost.Booster({"nthread": 1}, model_file=bytearray(grown.model))


def _median_us(way: Callable[[], object]) -> float:
    taken = []
    for _ in range(_CALLS):
        begun = time.perf_counter_ns()
        way()
        taken.append(time.perf_counter_ns() - begun)
    return statistics.median(taken) / 1e3


def _threads() -> int:
    return len(os.sched_getaffinity(0))


def main(arguments: list[str]) -> None:
    """``python -m loadtests.learning training [ROWS]``."""
    print(json.dumps(run(int(arguments[0]) if arguments else ROWS), indent=2))
