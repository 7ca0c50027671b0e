"""The only door to xgboost: trees in a file, trees from rows, scores out of trees.

The file's hash is compared *before* the library reads it: a cut or empty file can end the whole process inside the
library, where no exception could be caught.

Scores come from the library's C interface (``XGBoosterPredictFromDense``): the package's ``inplace_predict`` wraps the
same call in as much work as the trees of a few rows take. Every file is tried both ways when it is loaded.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import xgboost
from numpy.typing import NDArray
from xgboost.libpath import find_lib_path

from models.errors import BadInput
from models.scoring.manifest import Manifest, version_of

Matrix = NDArray[np.float32]
#: (matrix, label, weight) of rows; labels are 0 and 1 (uint8), or numbers (float32).
Part = tuple[Matrix, NDArray[np.uint8] | NDArray[np.float32], NDArray[np.float32]]

#: Characters that the library refuses in names, and what stands for them inside the file.
_NAMES: Final = str.maketrans("[]<", "()(")

DEFAULT_PARAMS: Final[Mapping[str, Any]] = {
    "objective": "binary:logistic", "eval_metric": "logloss", "tree_method": "hist", "max_depth": 4, "eta": 0.05,
    "min_child_weight": 5.0, "subsample": 0.8, "colsample_bytree": 0.8, "lambda": 2.0, "seed": 1,
}
#: Of scorers that predict numbers.
NUMBER_PARAMS: Final[Mapping[str, Any]] = {**DEFAULT_PARAMS, "objective": "reg:squarederror", "eval_metric": "rmse"}
#: The library that grows trees, for reports.
LIBRARY: Final = f"xgboost {xgboost.__version__}"

#: The library that the package has loaded already, under signatures of our own.
_LIBRARY: Final = ctypes.CDLL(find_lib_path()[0])
_LIBRARY.XGBGetLastError.restype = ctypes.c_char_p
_FROM_DENSE: Final = _LIBRARY.XGBoosterPredictFromDense
_FROM_DENSE.argtypes = (
    ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p,
    ctypes.POINTER(ctypes.POINTER(ctypes.c_uint64)), ctypes.POINTER(ctypes.c_uint64), ctypes.POINTER(ctypes.c_void_p),
)
#: What ``inplace_predict`` says by default: values, not margins; every tree; NaN is missing.
_HOW: Final = (
    b'{"type": 0, "training": false, "iteration_begin": 0, "iteration_end": 0, "missing": NaN, "strict_shape": false, '
    b'"cache_id": 0}'
)
#: numpy's array interface: address, rows, columns.
_ROWS: Final = b'{"data": [%d, true], "strides": null, "typestr": "<f4", "shape": [%d, %d], "version": 3}'


class Booster:
    """Trees that score rows. One thread: the server has one process per core already. May be asked by several threads
    at once; the trees are worked on outside the interpreter's lock."""

    def __init__(self, model: bytes, manifest: Manifest) -> None:
        """Raises ``BadInput`` when the bytes are not those that the manifest describes."""
        version, sha256 = version_of(model, manifest.features, manifest.calibration, manifest.target)
        if not model or sha256 != manifest.sha256:
            raise BadInput(
                f"the file of scorer {manifest.version} is cut short or was changed: its sha256 is {sha256}, the "
                f"manifest says {manifest.sha256}; copy it again or train again with `kairos train`"
            )
        if version != manifest.version:
            raise BadInput(
                f"scorer {manifest.version} was trained on other features or another order of them than its manifest "
                "lists, or was calibrated otherwise; restore the manifest or train again with `kairos train`"
            )
        self.manifest: Final = manifest
        self._curve: Final = manifest.calibration.curve()
        self._trees = _load(model, manifest)
        #: How many trees a row goes through: what its score costs.
        self.trees: Final = int(self._trees.num_boosted_rounds())
        self._try_out()

    def predict(self, matrix: Matrix) -> NDArray[np.float32]:
        """float32[rows, features] -> float32[rows]: the calibrated probability, or the number, that was learnt.

        Raises ``BadInput`` on another width.
        """
        self._check_width(matrix)
        if matrix.shape[0] == 0:
            return np.empty(0, np.float32)
        scores = _predict(self._trees.handle, np.ascontiguousarray(matrix, "<f4"))
        return scores if self._curve is None else self._curve(scores)

    def contributions(self, matrix: Matrix) -> NDArray[np.float32]:
        """float32[rows, features] -> float32[rows, features + 1]: what each feature adds to a row's score, in log-odds.

        The last column is the bias; a row sums to its margin: the log-odds of what the trees give, before the
        calibration, which changes no order (for numbers, the number itself). Exact SHAP values of trees (Lundberg et
        al. 2018), some hundred times dearer than the score. Raises ``BadInput`` on another width.
        """
        self._check_width(matrix)
        if matrix.shape[0] == 0:
            return np.empty((0, matrix.shape[1] + 1), np.float32)
        rows = xgboost.DMatrix(matrix, nthread=1)
        found: NDArray[np.float32] = self._trees.predict(rows, pred_contribs=True, validate_features=False)
        return found

    def _try_out(self) -> None:
        """One row either way. The library prepares itself at a first call, which must not be several threads' at once.

        Raises ``BadInput`` when these trees do not give one probability per row.
        """
        row = np.ones((1, len(self.manifest.features)), np.float32)
        expected = self._trees.inplace_predict(row, validate_features=False)
        if expected.shape != (1,) or _predict(self._trees.handle, row).tobytes() != expected.tobytes():
            raise BadInput(
                f"scorer {self.manifest.version} does not give one probability per row; train again with `kairos train`"
            )
        self.contributions(row)

    def _check_width(self, matrix: Matrix) -> None:
        if matrix.ndim != 2 or matrix.shape[1] != len(self.manifest.features):
            raise BadInput(
                f"scorer {self.manifest.version} reads {len(self.manifest.features)} columns, the rows have shape "
                f"{matrix.shape}"
            )


def _predict(handle: ctypes.c_void_p, matrix: Matrix) -> NDArray[np.float32]:
    """float32[rows, features], contiguous and as wide as the trees -> float32[rows]."""
    rows, columns = matrix.shape
    shape = ctypes.POINTER(ctypes.c_uint64)()
    dimensions, found = ctypes.c_uint64(), ctypes.c_void_p()
    failed = _FROM_DENSE(
        handle, _ROWS % (matrix.ctypes.data, rows, columns), _HOW, None,
        ctypes.byref(shape), ctypes.byref(dimensions), ctypes.byref(found),
    )
    if failed:
        raise BadInput(f"xgboost cannot score {rows} rows: {_LIBRARY.XGBGetLastError().decode(errors='replace')[:300]}")
    if dimensions.value != 1 or shape[0] != rows:
        raise BadInput(f"these trees do not give one probability per row for {rows} rows; train again")
    scores = np.empty(rows, np.float32)
    # The library's own memory, which the same thread's next call overwrites.
    ctypes.memmove(scores.ctypes.data, found.value or 0, scores.nbytes)
    return scores


@dataclass(frozen=True, slots=True)
class Grown:
    """Trees as the library grew them."""

    #: UBJ.
    model: bytes
    rounds: int
    trees: Any

    def predict(self, matrix: Matrix) -> NDArray[np.float32]:
        """float32[rows, features] -> float32[rows], not calibrated."""
        scores: NDArray[np.float32] = self.trees.inplace_predict(matrix, validate_features=False)
        return scores

    @classmethod
    def of(cls, model: bytes, threads: int = 1) -> Self:
        """Trees that were grown by another process."""
        trees = xgboost.Booster({"nthread": threads})
        trees.load_model(bytearray(model))
        return cls(model, trees.num_boosted_rounds(), trees)

    def gains(self) -> NDArray[np.float64]:
        """float64[features]: the share of each feature in what all splits gained; all 0 when nothing was split."""
        gained = self.trees.get_score(importance_type="total_gain")
        found = np.array([gained.get(name, 0.0) for name in self.trees.feature_names], np.float64)
        return found / found.sum() if found.any() else found


@dataclass(frozen=True, slots=True)
class Streamed:
    """Rows that come in batches, as often as they are asked for, always the same ones in the same order. The trees that
    grow on them are those of the same rows at once."""

    batches: Callable[[], Iterator[Part]]
    #: Prefix of files for what growing reads of them, a byte or two per number; None: in memory.
    cache: str | None = None
    #: False: every weight is 1.
    is_weighted: bool = True


class _Batches(xgboost.DataIter):  # type: ignore[misc]  # the library has no types
    """What the library asks for batches, over and over."""

    def __init__(self, rows: Streamed, names: list[str]) -> None:
        self._rows, self._names = rows, names
        self._left = rows.batches()
        super().__init__(cache_prefix=rows.cache)

    def reset(self) -> None:
        self._left = self._rows.batches()

    def next(self, input_data: Callable[..., None]) -> bool:
        part = next(self._left, None)
        if part is None:
            return False
        matrix, label, weight = part
        input_data(
            data=matrix, label=label, weight=weight if self._rows.is_weighted else None, feature_names=self._names
        )
        return True


class _Rounds(xgboost.callback.TrainingCallback):  # type: ignore[misc]  # the library has no types
    """Says how many rounds are done. An interruption reaches the caller here, between two of them."""

    def __init__(self, on_round: Callable[[int], None]) -> None:
        self._on_round = on_round

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        self._on_round(epoch + 1)
        return False


def grow(
    features: tuple[str, ...],
    training: Part | Streamed,
    validation: Part | Streamed | None,
    *,
    rounds: int,
    patience: int = 0,
    threads: int = 1,
    params: Mapping[str, Any] = DEFAULT_PARAMS,
    on_round: Callable[[int], None] | None = None,
) -> Grown:
    """Grow at most ``rounds`` trees on (matrix, label, weight). The same input gives the same bytes.

    With ``validation``, growth stops when its metric has not improved for ``patience`` rounds, and the trees after
    the best round are dropped.
    """
    names = [name.translate(_NAMES) for name in features]
    # The trees read quantiles alone: no copy of the numbers themselves is made.
    data = _quantiles(training, names, threads)
    settings = {**params, "nthread": threads, "verbosity": 0}
    callbacks = [] if on_round is None else [_Rounds(on_round)]
    if validation is None:
        trees = xgboost.train(settings, data, rounds, callbacks=callbacks)
    else:
        watched = [(_quantiles(validation, names, threads, data), "validation")]
        trees = xgboost.train(
            settings, data, rounds, evals=watched, early_stopping_rounds=patience, verbose_eval=False,
            callbacks=callbacks,
        )
        trees = trees[: trees.best_iteration + 1]
    return Grown(bytes(trees.save_raw("ubj")), trees.num_boosted_rounds(), trees)


def _quantiles(part: Part | Streamed, names: list[str], threads: int, like: Any = None) -> Any:
    if isinstance(part, Streamed):
        kind = xgboost.QuantileDMatrix if part.cache is None else xgboost.ExtMemQuantileDMatrix
        return kind(_Batches(part, names), nthread=threads, ref=like)
    matrix, label, weight = part
    given = None if np.all(weight == 1.0) else weight
    return xgboost.QuantileDMatrix(matrix, label=label, weight=given, feature_names=names, nthread=threads, ref=like)


def _load(model: bytes, manifest: Manifest) -> Any:
    trees = xgboost.Booster({"nthread": 1})
    try:
        trees.load_model(bytearray(model))
    except xgboost.core.XGBoostError as error:
        raise BadInput(
            f"xgboost {xgboost.__version__} cannot read the file of scorer {manifest.version}; train again with "
            "`kairos train`"
        ) from error
    names = [name.translate(_NAMES) for name in manifest.features]
    if trees.num_features() != len(names) or (trees.feature_names or names) != names:
        raise BadInput(
            f"the trees of scorer {manifest.version} read other features than its manifest lists: {trees.feature_names}"
        )
    return trees
