"""The benchmark's scorer: 100 trees of depth 5 over 24 features, grown on made-up rows (only its cost matters)."""

from __future__ import annotations

import numpy as np

from actors.scorer_registry import Scorers
from loadtests.scenario import features
from models.scoring.booster import DEFAULT_PARAMS, Booster, grow
from models.scoring.calibrating import isotonic
from models.scoring.calibration import Calibration
from models.scoring.manifest import Manifest, version_of
from models.scoring.reference import references

TREES = 100
DEPTH = 5
ROWS = 20_000
#: Profile columns, then what tells one action from another: 24 together.
COLUMNS = (*(f"profile.{feature['id']}" for feature in features()[:22]), "action.value", "action.evidence")


def scorer(seed: int = 1, calibrated: bool = False) -> tuple[bytes, Manifest]:
    """The model's file and its manifest. ``calibrated``: an isotonic curve behind the trees."""
    rng = np.random.default_rng(seed)
    matrix = rng.gamma(2.0, 3.0, (ROWS, len(COLUMNS))).astype(np.float32)
    chance = 1 / (1 + np.exp(3.0 - 0.2 * matrix[:, 0] + 0.1 * matrix[:, 1] - 0.3 * matrix[:, 22]))
    label = (rng.random(ROWS) < chance).astype(np.uint8)
    params = {**DEFAULT_PARAMS, "max_depth": DEPTH}
    grown = grow(COLUMNS, (matrix, label, np.ones(ROWS, np.float32)), None, rounds=TREES, params=params)
    curve = isotonic(grown.predict(matrix), label, np.ones(ROWS, np.float32)) if calibrated else None
    calibration = curve or Calibration()
    version, sha256 = version_of(grown.model, COLUMNS, calibration)
    manifest = Manifest(
        version=version, file="model.ubj", sha256=sha256, features=COLUMNS, trained_from_ms=0, trained_until_ms=1,
        rows={"training": ROWS}, accepted={"training": int(label.sum())}, metrics={}, params=params, created_ms=1,
        calibration=calibration, reference=references(COLUMNS, matrix),
    )
    return grown.model, manifest


def booster() -> Booster:
    """The scorer, loaded."""
    return Booster(*scorer())


def register_scorer(registry: Scorers, seed: int = 1, calibrated: bool = False) -> str:
    """Put it into an installation's registry; returns its version."""
    model, manifest = scorer(seed, calibrated)
    registry.register(model, manifest)
    return manifest.version
