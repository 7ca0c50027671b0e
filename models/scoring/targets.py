"""Targets as their scorers meet them: the columns that they may read, the rows that ask them, what their numbers mean.

A scorer of a target reads a customer alone: features and attributes, as they are when it is asked. Neither an action,
nor another score (a circle of stale values), nor the time of the question, which says nothing about when the answer is
read. Where the best of several options is looked for, one row asks about each of them: of ``hour`` the hours of the day
as ``time.hour``, of ``channel`` the channels as ``channel.<id>``. Serving and training make their rows here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.catalog.plan import Plan, Target
from models.errors import BadInput
from models.scoring.manifest import unresolved
from models.scoring.matrix import Layout, Matrix

HOURS: Final = 24
_HOUR: Final = "time.hour"
_CHANNEL: Final = "channel."


def target_features(target: Target, plan: Plan) -> tuple[str, ...]:
    """Everything that a plan offers to the scorer of a target."""
    return (
        *(f"profile.{feature.id}" for feature in plan.features),
        *(f"attribute.{one.id}" for one in plan.attributes.values() if one.type != "string"),
        *([_HOUR] if target.predict == "hour" else []),
        *((f"{_CHANNEL}{channel}" for channel in plan.channels) if target.predict == "channel" else ()),
    )


def definition(target: Target) -> dict[str, Any]:
    """What a target asks, as plain data: its scorer answers this and nothing else."""
    return {
        "predict": target.predict, "event": target.event, "outcome": target.outcome, "field": list(target.field),
        "within_ms": target.within_ms,
    }


def refusals(manifest: Mapping[str, Any], plan: Plan) -> list[str]:
    """Why the scorer of this manifest (plain data) cannot predict its target under this plan; empty when it can."""
    target = plan.targets.get(manifest["target"])
    if target is None:
        known = ", ".join(plan.targets) or "none"
        return [f"the catalog declares no target {manifest['target']!r}; known: {known}"]
    features: Sequence[str] = manifest["features"]
    reasons = unresolved(features, plan)
    if manifest["objective"] != target.objective:
        reasons.append(f"it predicts a {manifest['objective']}, and target {target.id!r} is a {target.objective}")
    asked = manifest.get("asks") or {}
    reasons += [
        f"it learnt another target {target.id!r}: {name} is {now!r} and was {asked[name]!r}"
        for name, now in definition(target).items() if name in asked and asked[name] != now
    ]
    readable = ("profile.", "attribute.", *([_HOUR] if target.predict == "hour" else []),
                *([_CHANNEL] if target.predict == "channel" else []))
    reasons += [
        f"{name!r}: the scorer of a target reads nothing but {', '.join(readable)}" for name in features
        if not name.startswith(readable)
    ]
    if not options_read(target, features):
        reasons.append(f"it does not tell one {target.predict} from another: it lacks {readable[-1]!r}")
    return reasons


def check_tells_apart(target: Target, features: Sequence[str]) -> None:
    """Raises ``BadInput`` when training left a scorer that says the same of every option."""
    if not options_read(target, features):
        raise BadInput(
            f"in these rows no {target.predict} is better than another for anybody: there is nothing that target "
            f"{target.id!r} could learn; nothing was registered"
        )


def options_read(target: Target, features: Sequence[str]) -> bool:
    """Whether a scorer of these features can tell the target's options apart (true where there are none)."""
    if target.predict == "hour":
        return _HOUR in features
    return target.predict != "channel" or any(name.startswith(_CHANNEL) for name in features)


class Question:
    """How one target is asked about customers, of a scorer with these columns."""

    def __init__(self, target: Target, layout: Layout, plan: Plan) -> None:
        self.target: Final = target
        self._layout: Final = layout
        #: What is told apart, in order; one nameless option where nothing is.
        self.options: Final[tuple[int | str, ...]] = (
            tuple(range(HOURS)) if target.predict == "hour"
            else tuple(sorted(plan.channels)) if target.predict == "channel" else ("",)
        )
        self._within_days = target.within_ms / limits.DAY_MS
        self._columns: Final = {
            name: column for column, name in enumerate(layout.customer_features)
            if name == _HOUR or name.startswith(_CHANNEL)
        }

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self._layout.features

    def rows(self, records: Sequence[Mapping[str, Any]], now_ms: int) -> Matrix:
        """float32[customers * options, columns]: all options of the first customer, then of the next. ``records``: what
        ``profile`` is in rules."""
        return self.asking(self.vectors(records, now_ms))

    def vectors(self, records: Sequence[Mapping[str, Any]], now_ms: int) -> Matrix:
        """float32[customers, columns]: before an option is asked about."""
        return self._layout.customer_vectors(records, [""] * len(records), now_ms)

    def asking(self, vectors: Matrix) -> Matrix:
        """The rows of customers with these vectors."""
        rows: Matrix = np.repeat(vectors, len(self.options), axis=0)
        for name, column in self._columns.items():
            asked = [float(one if name == _HOUR else name == f"{_CHANNEL}{one}") for one in self.options]
            rows[:, column] = np.tile(np.array(asked, np.float32), len(vectors))
        return rows

    def values(self, scores: NDArray[np.float32]) -> list[float | str]:
        """What ``scores`` (one per row of ``rows``, finite) say of each customer. Chances keep
        ``limits.SCORE_DIGITS`` decimals, numbers as many significant digits; of the best options the first counts."""
        if len(self.options) > 1 or self.target.predict in ("hour", "channel"):
            best = scores.reshape(-1, len(self.options)).argmax(axis=1)
            chosen = [self.options[at] for at in best.tolist()]
            return [one if isinstance(one, str) else float(one) for one in chosen]
        return [self._value(score) for score in scores.tolist()]

    def _value(self, score: float) -> float:
        if self.target.objective == "probability":
            return round(min(max(score, 0.0), 1.0), limits.SCORE_DIGITS)
        if self.target.predict == "days":
            score = min(max(score, 0.0), self._within_days)
        return float(f"{score:.{limits.SCORE_DIGITS}g}") + 0.0  # and no -0.0
