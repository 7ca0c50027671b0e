"""From rows to a scorer: split by time, stop early on later rows, judge on the latest, then learn from all.

A random split would flatter: behaviour drifts, and rows of one mailing share their day. So every boundary is an
instant; rows of one instant stay together, and a row whose label was not final at a boundary is not learnt from before
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.errors import BadInput
from models.scoring import metrics
from models.scoring.booster import DEFAULT_PARAMS, grow
from models.scoring.manifest import Manifest, version_of
from models.scoring.rows import Rows

MODEL_FILE: Final = "model.ubj"
HOLDOUT_DEFAULT: Final = 0.2


@dataclass(frozen=True, slots=True)
class Split:
    """Masks over rows in time order; a row whose label came too late is in none of them."""

    training: NDArray[np.bool_]
    validation: NDArray[np.bool_]
    test: NDArray[np.bool_]
    #: First instant of validation and of test.
    validation_ms: int
    test_ms: int


@dataclass(frozen=True, slots=True)
class Trained:
    model: bytes
    manifest: Manifest


def split(rows: Rows, holdout: float = HOLDOUT_DEFAULT) -> Split:
    """The latest ``holdout`` share tests, the latest share of what is before it validates, the rest trains.

    Raises ``BadInput`` when there are too few rows, or when a part lacks accepted or not accepted ones.
    """
    if not 0.0 < holdout < 0.5:
        raise BadInput(f"the holdout is {holdout}; give a share above 0 and below 0.5")
    if len(rows) < limits.TRAINING_ROWS_MIN:
        raise BadInput(f"{len(rows)} rows are too few; a scorer needs at least {limits.TRAINING_ROWS_MIN} shown items")
    positives = int(rows.label.sum())
    if positives in (0, len(rows)):
        kind = "accepted" if positives else "not accepted"
        raise BadInput(f"every one of the {len(rows)} rows was {kind}; nothing can be learnt from one class")
    test_ms = _boundary(rows, _every(rows), holdout)
    before = (rows.time_ms < test_ms) & (rows.label_time_ms <= test_ms)
    validation_ms = _boundary(rows, before, holdout)
    parts = Split(
        training=before & (rows.time_ms < validation_ms) & (rows.label_time_ms <= validation_ms),
        validation=before & (rows.time_ms >= validation_ms), test=rows.time_ms >= test_ms,
        validation_ms=validation_ms, test_ms=test_ms,
    )
    for name, mask in (("training", parts.training), ("validation", parts.validation), ("test", parts.test)):
        accepted = int(rows.label[mask].sum())
        if accepted in (0, int(mask.sum())):
            raise BadInput(
                f"split by time, the {name} part has {int(mask.sum())} rows of which {accepted} were accepted; it "
                "needs both kinds: collect outcomes over a longer time, or change --holdout"
            )
    return parts


def train(
    rows: Rows, created_ms: int, *, holdout: float = HOLDOUT_DEFAULT, threads: int = 1,
    params: Mapping[str, Any] = DEFAULT_PARAMS,
) -> Trained:
    """Train, judge, then grow as many trees again on every row. Raises ``BadInput`` as ``split`` does."""
    parts = split(rows, holdout)
    judged = grow(
        rows.features, rows.part(parts.training), rows.part(parts.validation), rounds=limits.TRAINING_ROUNDS_MAX,
        patience=limits.TRAINING_PATIENCE_ROUNDS, threads=threads, params=params,
    )
    everything = rows.part(_every(rows))
    final = grow(rows.features, everything, None, rounds=judged.rounds, threads=threads, params=params)
    version, sha256 = version_of(final.model, rows.features)
    label, base_rate = rows.label[parts.test], float(rows.label[parts.training].mean())
    score = judged.predict(rows.matrix[parts.test])
    manifest = Manifest(
        version=version, file=MODEL_FILE, sha256=sha256, features=rows.features,
        trained_from_ms=int(rows.time_ms[0]), trained_until_ms=int(rows.time_ms[-1]),
        rows=_counts(rows, parts, accepted=False), accepted=_counts(rows, parts, accepted=True),
        metrics={
            "auc": round(metrics.auc(label, score), 6), "log_loss": round(metrics.log_loss(label, score), 6),
            "base_log_loss": round(metrics.log_loss(label, base_rate), 6),
        },
        params={**params, "rounds": judged.rounds, "holdout": holdout, "test_from_ms": parts.test_ms},
        created_ms=created_ms,
    )
    return Trained(final.model, manifest)


def _boundary(rows: Rows, among: NDArray[np.bool_], share: float) -> int:
    """The latest instant such that at least ``share`` of the rows among these are not before it."""
    times = rows.time_ms[among]
    if not len(times):
        raise BadInput("no label was final before the latest rows; collect outcomes over a longer time")
    return int(times[min(int(len(times) * (1.0 - share)), len(times) - 1)])


def _every(rows: Rows) -> NDArray[np.bool_]:
    return np.ones(len(rows), np.bool_)


def _counts(rows: Rows, parts: Split, *, accepted: bool) -> dict[str, int]:
    masks = {"training": parts.training, "validation": parts.validation, "test": parts.test, "all": _every(rows)}
    return {name: int(rows.label[mask].sum() if accepted else mask.sum()) for name, mask in masks.items()}
