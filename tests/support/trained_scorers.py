"""Small scorers that are really trained, for tests that need one and do not care which."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from models.scoring.manifest import version_of
from models.scoring.rows import from_columns
from models.scoring.training import Trained, train

FEATURES = ("profile.visits", "action.value")


def trained(seed: int, features: tuple[str, ...] = FEATURES, rows: int = 400) -> Trained:
    """Reads all of ``features``; the first speaks for acceptance, the second against it, others say nothing."""
    draw = np.random.default_rng(seed)
    told = draw.normal(size=(len(features), rows))
    columns: dict[str, Any] = {
        "time_ms": np.arange(rows), "action": ["a"] * rows,
        "label": (told[0] - told[1] + draw.normal(size=rows) > 0).astype(int),
    }
    columns |= dict(zip(features, told, strict=True))
    return train(from_columns(columns, features), created_ms=seed, every_feature=True)


def for_target(one: Trained, target: str) -> Trained:
    """The same trees under another version: a second scorer for nothing."""
    manifest = one.manifest
    version, _ = version_of(one.model, manifest.features, manifest.calibration, target)
    return replace(one, manifest=manifest.model_copy(update={"version": version, "target": target}))
