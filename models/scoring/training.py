"""From rows to a scorer: select features, grow, calibrate, judge on the latest rows, and once more with what is later.

One procedure is applied twice, one step apart in time, to parts of ``models.scoring.splitting``:

|         | number of trees told by    | trees grow on              | calibrated on | judged on |
|---------|----------------------------|----------------------------|---------------|-----------|
| judged  | training, validation       | all before its calibration | calibration   | test      |
| shipped | before, and calibration    | all before the latest      | latest        |           |

Both read the features that training and validation told (the parts of what is before the calibration). How many trees
pay depends on how many rows there are, so the shipped step asks anew, with what came since. No number of a report was
seen by what it judges, and nothing that a curve is fitted to was seen by its trees. The latest rows are the end of the
test, as few as a calibration needs and at most all of it; the calibration is cut by the same rule. What is shipped has
learnt from the rest of the test, which the judged trees have not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np

from models import limits
from models.errors import BadInput
from models.scoring import judging
from models.scoring.booster import DEFAULT_PARAMS, LIBRARY, NUMBER_PARAMS, Booster, Grown, Part, grow
from models.scoring.calibrating import Fit, calibrate
from models.scoring.calibration import Calibration
from models.scoring.manifest import Manifest, Objective, version_of
from models.scoring.reference import references
from models.scoring.rows import Mask, Rows
from models.scoring.selection import Pace, Selected, idle, select
from models.scoring.splitting import Split, split
from models.scoring.whole import Whole, census

MODEL_FILE: Final = "model.ubj"
HOLDOUT_DEFAULT: Final = 0.2

#: Hears (stage, done, of) while a scorer is trained. What it raises ends the training.
Watch = Callable[[str, int, int], None]
#: The stages, in order.
STAGES: Final = (
    "selecting", "judged: stopping", "judged: growing", "judged: calibrating", "judging", "stopping", "growing",
    "calibrating", "describing",
)


@dataclass(frozen=True, slots=True)
class Trained:
    model: bytes
    manifest: Manifest
    #: Plain data, ready for JSON: what ``report.json`` holds, but for the times that only a caller can measure.
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Learnt:
    grown: Grown
    fit: Fit


@dataclass(frozen=True, slots=True)
class _Procedure:
    objective: Objective
    threads: int
    params: Mapping[str, Any]
    watch: Watch
    every_feature: bool
    calibrated: bool
    parts: Split
    #: None: what is held is all there is.
    whole: Whole | None

    def selected(self, rows: Rows) -> Selected:
        watch = partial(self.watch, "selecting")
        watch(0, limits.TRAINING_ROUNDS_MAX)
        if self.every_feature:
            return Selected(rows.features, {}, "every feature was asked for")
        dropped = idle(rows.features, rows.part(self.parts.before_calibration)[0])
        kept = tuple(name for name in rows.features if name not in dropped) or rows.features[:1]
        read = rows.only(kept)
        found = select(kept, read.part(self.parts.training), read.part(self.parts.validation), self._weighing,
                       self.objective, watch)
        every = {name: why for name, why in dropped.items() if name not in kept} | found.dropped
        return replace(found, dropped={name: every[name] for name in rows.features if name in every})

    def _weighing(self, features: tuple[str, ...], training: Part, validation: Part, pace: Pace) -> Grown:
        return grow(
            features, training, validation, rounds=pace.rounds, patience=pace.patience, threads=self.threads,
            params={**self.params, **pace.params}, on_round=lambda done: self.watch("selecting", done, pace.rounds),
        )

    def rounds(self, rows: Rows, growth: str, validation: str, prefix: str = "") -> int:
        """How many trees on one part the rows of a later one let grow."""
        stage = f"{prefix}stopping"
        self.watch(stage, 0, limits.TRAINING_ROUNDS_MAX)
        return self._grown(
            rows, stage, growth, validation, limits.TRAINING_ROUNDS_MAX, limits.TRAINING_PATIENCE_ROUNDS
        ).rounds

    def learn(self, rows: Rows, rounds: int, growth: str, calibration: str, prefix: str = "") -> _Learnt:
        """Trees on one part, a curve on another. ``prefix``: in front of the names of the stages."""
        grown = self._grown(rows, f"{prefix}growing", growth, None, rounds)
        self.watch(f"{prefix}calibrating", 0, 1)
        return _Learnt(grown, self._calibrated(grown, rows, self.parts.mask(calibration)))

    def _grown(
        self, rows: Rows, stage: str, growth: str, validation: str | None, rounds: int, patience: int = 0
    ) -> Grown:
        """Trees on all rows of a part, where more are known of than are held."""
        def watch(done: int) -> None:
            self.watch(stage, done, rounds)

        if self.whole is not None:
            return self.whole.grow(rows.features, growth, validation, rounds=rounds, patience=patience, on_round=watch)
        return grow(
            rows.features, rows.part(self.parts.mask(growth)),
            None if validation is None else rows.part(self.parts.mask(validation)), rounds=rounds, patience=patience,
            threads=self.threads, params=self.params, on_round=watch,
        )

    def _calibrated(self, grown: Grown, rows: Rows, on: Mask) -> Fit:
        if self.objective == "number" or not self.calibrated:
            return Fit(Calibration(), {})
        matrix, label, weight = rows.part(on)
        return calibrate(grown.predict(matrix), label.astype(np.uint8, copy=False), weight)


def train(
    rows: Rows, created_ms: int, *, target: str = "", objective: Objective = "probability",
    holdout: float = HOLDOUT_DEFAULT, threads: int = 1, params: Mapping[str, Any] | None = None,
    every_feature: bool = False, calibrated: bool = True, watch: Watch = lambda stage, done, of: None,
    whole: Whole | None = None,
) -> Trained:
    """A scorer out of rows, judged by rows that it has not seen.

    The same rows, parameters and number of threads give the same bytes. ``target``: id of what is predicted, if not
    acceptance. ``objective``: labels are 0 and 1, or amounts. ``every_feature``: none is dropped. ``calibrated`` False:
    only the order of the chances counts, of which a curve with steps would make equals. ``whole``: all rows, where
    ``rows`` may be a sample of them.

    Raises ``BadInput`` as ``split`` does.
    """
    parts = split(rows, holdout, objective, None if whole is None else whole.instants)
    defaults = DEFAULT_PARAMS if objective == "probability" else NUMBER_PARAMS
    procedure = _Procedure(
        objective, threads, defaults if params is None else params, watch, every_feature, calibrated, parts, whole
    )
    selected = procedure.selected(rows)
    read = rows.only(selected.features)
    rounds = procedure.rounds(read, "training", "validation", "judged: ")
    before = procedure.learn(read, rounds, "before_calibration", "calibration", "judged: ")
    told = _judged(read, parts, before, procedure)
    if whole is not None and len(rows) < whole.census.rows["all"]:
        # On so many rows features were selected, and scores calibrated and judged.
        told["sample"] = len(rows)
    if len(np.unique(read.label[parts.calibration])) > 1:  # one kind alone cannot say how many pay
        rounds = procedure.rounds(read, "before_calibration", "calibration")
    shipped = procedure.learn(read, rounds, "before_latest", "latest")
    watch("describing", 0, 1)
    manifest = _manifest(rows, read, selected, shipped, told["metrics"], procedure, created_ms, target, holdout)
    Booster(shipped.grown.model, manifest)  # what cannot be read is not handed out
    watch("describing", 1, 1)
    return Trained(shipped.grown.model, manifest, _report(manifest, selected, shipped, told))


def _judged(rows: Rows, parts: Split, before: _Learnt, procedure: _Procedure) -> dict[str, Any]:
    """What the report says of the latest rows."""
    procedure.watch("judging", 0, 1)
    objective = procedure.objective
    matrix, label, weight = rows.part(parts.test)
    plain = before.grown.predict(matrix)
    score = before.fit.calibration.apply(plain)
    if not np.isfinite(score).all():
        raise BadInput("these trees give numbers that are none; look for endless labels, weights or parameters")
    _, learnt, counted = rows.part(parts.before_calibration)
    base = float(np.average(learnt, weights=counted))
    told: dict[str, Any] = {
        "metrics": judging.judged(objective, label, score, weight, base),
        "curve": judging.curve(objective, label, score, weight),
        "by_action": judging.by_text(objective, rows.actions[parts.test], label, score, weight),
        "by_channel": [] if rows.channels is None else judging.by_text(
            objective, rows.channels[parts.test], label, score, weight),
    }
    if objective == "probability":
        found = judging.judged(objective, label, plain, weight, base)
        told["metrics"] |= {f"uncalibrated_{name}": found[name] for name in ("log_loss", "brier", "ece")}
        told["uncalibrated_curve"] = judging.curve(objective, label, plain, weight)
        told["judged_calibration"] = {"kind": before.fit.calibration.kind, "compared": before.fit.compared}
    return told


def _manifest(
    rows: Rows, read: Rows, selected: Selected, shipped: _Learnt, found: dict[str, float], procedure: _Procedure,
    created_ms: int, target: str, holdout: float,
) -> Manifest:
    """``read``: of the rows the selected features."""
    grown, calibration, parts = shipped.grown, shipped.fit.calibration, procedure.parts
    version, sha256 = version_of(grown.model, selected.features, calibration, target)
    counted = census(rows, parts, procedure.objective) if procedure.whole is None else procedure.whole.census
    return Manifest(
        version=version, file=MODEL_FILE, sha256=sha256, features=selected.features,
        trained_from_ms=counted.from_ms, trained_until_ms=counted.until_ms, rows=counted.rows,
        accepted=counted.accepted,
        metrics=found,
        params={
            **procedure.params, "rounds": grown.rounds, "holdout": holdout, "threads": procedure.threads,
            "validation_from_ms": parts.instants.validation_ms, "calibration_from_ms": parts.instants.calibration_ms,
            "test_from_ms": parts.instants.test_ms, "latest_from_ms": parts.instants.latest_ms,
        },
        created_ms=created_ms, calibration=calibration, target=target, objective=procedure.objective,
        actions=counted.actions, groups=counted.groups, issues=counted.issues, dropped=selected.dropped,
        reference=references(selected.features, read.part(parts.before_latest)[0]),
    )


def _report(manifest: Manifest, selected: Selected, shipped: _Learnt, told: dict[str, Any]) -> dict[str, Any]:
    named = ("version", "target", "objective", "rows", "accepted", "dropped", "params", "created_ms",
             "trained_from_ms", "trained_until_ms")
    wire = manifest.to_wire()
    return {
        **{name: wire[name] for name in named}, **told,
        "features_unweighed": selected.unweighed, "calibration": {
            "kind": manifest.calibration.kind, "points": len(manifest.calibration.x), "compared": shipped.fit.compared,
        },
        "importance": judging.importance(manifest.features, shipped.grown.gains()),
        "libraries": [LIBRARY, f"numpy {np.__version__}"],
    }
