"""Which features are worth reading: those that say something about rows later than the ones that trained.

In this order:

1. A feature goes that has no value in any row that trees would grow on, the same value in every one, or the very values
   of an earlier feature.
2. Trees grow on the rest, stopped by the validation rows. A feature goes that no tree splits on. These trees and those
   of step 4 only weigh: they grow on at most ``limits.SELECTION_ROWS_MAX`` evenly spaced rows, on more than
   ``limits.SELECTION_FINE_ROWS_MAX`` of them in few, coarse rounds, and are stopped and judged on at most as many. So a
   million rows cost no more than a sample of them.
3. Of the others each is shuffled among the validation rows (Breiman 2001). Doubted is one whose shuffling raises the
   loss by no more than two standard errors of that rise: its help cannot be told from chance.
4. Trees grow again without all that is unused or doubted. Where that raises the validation loss by more than a
   thousandth of it and by more than one standard error, the more useful half of the doubted stays and step 4 is
   repeated; so two features that say the same do not both go, nor many that help a little each.

Steps 2 to 4 need rows that can tell: of either kind, ten per feature that train (Peduzzi et al. 1996) and
``limits.SELECTION_KIND_ROWS_MIN`` that validate. At least one feature stays. Nothing here reads a row that calibrates
or judges.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.scoring import metrics
from models.scoring.booster import Grown, Part
from models.scoring.manifest import Objective

#: Grows trees on (features, training, validation), at this pace, until the validation rows stop them.
Grow = Callable[[tuple[str, ...], Part, Part, "Pace"], Grown]
#: How far a feature's column was looked through: (done, of).
Watch = Callable[[int, int], None]

#: By how much of itself a loss may rise and be called the same; how many standard errors are no more than chance.
_SPARE: Final = 1e-3
_ERRORS: Final = 2.0
_UNIT: Final = {"probability": "log loss", "number": "squared error"}
#: SplitMix64's constants (Steele, Lea and Flood 2014): a fixed shuffle, the same for every feature.
_GOLDEN: Final = 0x9E3779B97F4A7C15
_MIX: Final = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast trees grow that only weigh features."""

    rounds: int
    patience: int
    #: What differs from the parameters of trees that score.
    params: Mapping[str, Any]


#: That of trees that score; four times as fast a pace, in a quarter of the rounds.
_FINE: Final = Pace(limits.TRAINING_ROUNDS_MAX, limits.TRAINING_PATIENCE_ROUNDS, {})
_COARSE: Final = Pace(limits.TRAINING_ROUNDS_MAX // 4, limits.TRAINING_PATIENCE_ROUNDS // 3, {"eta": 0.2})


@dataclass(frozen=True, slots=True)
class Selected:
    features: tuple[str, ...]
    #: Feature -> why it is not read.
    dropped: dict[str, str]
    #: Why steps 2 to 4 were left out; empty when they were not.
    unweighed: str = ""


def select(
    features: Sequence[str], training: Part, validation: Part, grow: Grow, objective: Objective, watch: Watch,
) -> Selected:
    """Steps 2 to 4 of the above, over features of which none is idle."""
    kept = tuple(features)
    if reason := _cannot_tell(len(kept), training[1], validation[1], objective):
        return Selected(kept, {}, reason)
    training, validation = _evenly(training), _evenly(validation)
    pace = _COARSE if len(training[1]) > limits.SELECTION_FINE_ROWS_MAX else _FINE
    trees = grow(kept, training, validation, pace)
    used = trees.gains() > 0
    unused = {name for name, is_used in zip(kept, used, strict=True) if not is_used}
    judging = _Judging(validation, kept, objective, trees)
    rises = judging.rises(np.flatnonzero(used), watch)
    doubted = sorted((name for name, rise in rises.items() if rise.may_be_chance), key=lambda name: rises[name].mean)
    while unused or doubted:
        left = tuple(name for name in kept if name not in unused and name not in doubted)
        if not left:  # the most useful one stays; where no tree splits on anything, the first
            left = (doubted.pop(),) if doubted else kept[:1]
            unused -= set(left)
        if not doubted or judging.is_as_good(
            grow(left, _only(training, kept, left), _only(validation, kept, left), pace), left
        ):
            why = {name: rises[name].told(_UNIT[objective]) for name in doubted}
            return Selected(left, {name: "no tree splits on it" for name in kept if name in unused} | why)
        doubted = doubted[: -(-len(doubted) // 2)] if len(doubted) > 1 else []
    return Selected(kept, {})


def idle(features: Sequence[str], matrix: NDArray[np.float32]) -> dict[str, str]:
    """Feature -> why it says nothing about these rows, whatever their labels are. ``matrix``: float32[n, features]."""
    found: dict[str, str] = {}
    seen: dict[bytes, str] = {}
    for column, name in enumerate(features):
        values = np.ascontiguousarray(matrix[:, column]) + np.float32(0.0)  # -0 is 0
        missing = np.isnan(values)
        if missing.all():
            found[name] = "it has no value in any row to grow on"
            continue
        if not missing.any() and (values == values[0]).all():
            found[name] = f"it is {values[0]:g} in every row to grow on"
            continue
        values[missing] = np.nan
        digest = hashlib.blake2b(values.tobytes(), digest_size=16).digest()
        if digest in seen:
            found[name] = f"it is {seen[digest]} again, in every row to grow on"
        seen.setdefault(digest, name)
    return found


@dataclass(frozen=True, slots=True)
class _Rise:
    """By how much a loss rose: mean over the rows, and its standard error."""

    mean: float
    error: float

    @property
    def may_be_chance(self) -> bool:
        return self.mean <= _ERRORS * self.error

    def told(self, unit: str) -> str:
        return f"shuffled on later rows it changes the {unit} by {self.mean:+.2g} (standard error {self.error:.1g})"


class _Judging:
    """The validation rows, and what the first trees lose on them."""

    def __init__(self, part: Part, features: tuple[str, ...], objective: Objective, trees: Grown) -> None:
        self._matrix, self._label, self._weight = part
        self._features, self._trees = features, trees
        self._of = metrics.log_losses if objective == "probability" else metrics.squared_errors
        self._losses = self._of(self._label, trees.predict(self._matrix))
        self._spare = _SPARE * float(np.average(self._losses, weights=self._weight))

    def rises(self, columns: NDArray[np.intp], watch: Watch) -> dict[str, _Rise]:
        """What shuffling each of these columns does."""
        shuffled, order = self._matrix.copy(), _shuffle(len(self._label))
        found: dict[str, _Rise] = {}
        for done, column in enumerate(columns.tolist()):
            shuffled[:, column] = self._matrix[order, column]
            found[self._features[column]] = self._rise(self._trees, shuffled)
            shuffled[:, column] = self._matrix[:, column]
            watch(done + 1, len(columns))
        return found

    def is_as_good(self, trees: Grown, features: tuple[str, ...]) -> bool:
        """Do these trees, over fewer features, lose no more?"""
        columns = [self._features.index(name) for name in features]
        rise = self._rise(trees, self._matrix[:, columns])
        return rise.mean <= max(self._spare, rise.error)

    def _rise(self, trees: Grown, matrix: NDArray[np.float32]) -> _Rise:
        difference = self._of(self._label, trees.predict(matrix)) - self._losses
        weight = self._weight.astype(np.float64)
        total = float(weight.sum())
        mean = float(weight @ difference) / total
        spread = weight * (difference - mean)
        return _Rise(mean, float(np.sqrt(spread @ spread)) / total)


def _cannot_tell(features: int, training: NDArray[Any], validation: NDArray[Any], objective: Objective) -> str:
    """Why these rows are too few to weigh features by, or an empty string."""
    kind = "rows" if objective == "number" else "rows of the rarer kind"
    wanted = {"train": limits.SELECTION_KIND_ROWS_PER_FEATURE * features, "validate": limits.SELECTION_KIND_ROWS_MIN}
    for verb, label in (("train", training), ("validate", validation)):
        accepted = int((label == 1).sum())
        count = len(label) if objective == "number" else min(accepted, len(label) - accepted)
        if count < wanted[verb]:
            return f"{count} {kind} {verb}, which is too few to weigh {features} features; {wanted[verb]} are wanted"
    return ""


def _only(part: Part, features: Sequence[str], kept: tuple[str, ...]) -> Part:
    if kept == tuple(features):
        return part
    at = {name: column for column, name in enumerate(features)}
    return part[0][:, [at[name] for name in kept]], part[1], part[2]


def _evenly(part: Part) -> Part:
    step = -(-len(part[1]) // limits.SELECTION_ROWS_MAX)
    return part if step <= 1 else (part[0][::step], part[1][::step], part[2][::step])


def _shuffle(count: int) -> NDArray[np.intp]:
    """An order of ``count`` places in which each may be anywhere; always the same."""
    state = (np.arange(1, count + 1, dtype=np.uint64)) * np.uint64(_GOLDEN)
    for shift, factor in zip((30, 27), _MIX, strict=True):
        state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
    return np.argsort(state ^ (state >> np.uint64(31)), kind="stable")
