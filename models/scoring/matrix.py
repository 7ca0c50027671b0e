"""From a customer and its candidates to the rows that a scorer reads.

A row is the customer's vector followed by the action's columns. The vector is what a decision logs; action columns
follow from the plan (precomputed once per layout) and from the evidence, so a replay rebuilds the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.catalog.plan import SCORES, Action, Plan
from models.errors import BadInput
from models.scoring.manifest import CUSTOMER_PREFIXES, unresolved
from models.scoring.roles import Roles
from models.times import local_datetime

Vector = NDArray[np.float32]
Matrix = NDArray[np.float32]
Indexes = NDArray[np.uint16]

_FLOAT32_MAX: Final = 3.0e38
_ABSENT: Final = float("nan")
#: Every offset in the time zone database since 1970 is a multiple of this.
_OFFSET_STEP_MS: Final = 15 * limits.MINUTE_MS


class Layout:
    """The columns of one scorer over one plan. Built once per (scorer, catalog); read at every decision."""

    def __init__(self, features: Sequence[str], plan: Plan) -> None:
        """Raises ``BadInput`` when the plan cannot fill a feature. No features at all is a layout of no columns."""
        reasons = unresolved(features, plan)
        if reasons:
            raise BadInput(
                "this scorer does not fit the catalog; train one on it, or declare in the catalog what it reads",
                [{"loc": ["features"], "msg": reason} for reason in reasons],
            )
        self.features: Final = tuple(features)
        self.customer_features: Final = tuple(n for n in features if n.startswith(CUSTOMER_PREFIXES))
        self.action_features: Final = self.features[len(self.customer_features) :]
        self._zone = plan.zone
        self._from_record, self._record_keys = self._record_columns()
        known = list(zip(self._from_record.tolist(), self._record_keys, strict=True))
        self._from_features: Final = [column for column, id_ in known if id_ in plan.feature_index]
        self._feature_places: Final = [plan.feature_index[id_] for _, id_ in known if id_ in plan.feature_index]
        self._from_attributes: Final = [pair for pair in known if pair[1] not in plan.feature_index]
        self._from_scores: Final = [
            (column, name.partition(".")[2])
            for column, name in enumerate(self.customer_features) if name.startswith("score.")
        ]
        self._hour_at = self._column("time.hour")
        self._weekday_at = self._column("time.weekday")
        self._blank = np.full(len(self.customer_features), np.nan, np.float32)
        self._by_channel = {channel: self._channel_template(channel) for channel in plan.channels}
        self._clock: tuple[int, int, int] = (-1, 0, 0)
        self._evidence_at = self._column("action.evidence")
        self._block = np.array(
            [[_action_value(name, action) for name in self.action_features] for action in plan.actions], np.float32
        ).reshape(len(plan.actions), len(self.action_features))

    @property
    def width(self) -> int:
        """Columns of a row."""
        return len(self.features)

    def customer_vector(self, record: Mapping[str, Any], channel: str, now_ms: int) -> Vector:
        """float32[customer columns]. ``record``: present features, attributes and scores, as rules read ``profile``.

        What is absent, or no number, is NaN; what float32 cannot hold is clipped.
        """
        vector: Vector = self.customer_vectors([record], [channel], now_ms)[0]
        return vector

    def customer_vectors(self, records: Sequence[Mapping[str, Any]], channels: Sequence[str], now_ms: int) -> Matrix:
        """float32[customers, customer columns]: several vectors, each that of its customer alone."""
        vectors = self._vectors(channels, now_ms)
        if self._record_keys and records:
            vectors[:, self._from_record] = _clipped(self._numbers(records))
        if self._from_scores:
            self._fill_scores(vectors, [record.get(SCORES, {}) for record in records])
        return vectors

    def wave_vectors(
        self, values: Sequence[Sequence[float | None]], attributes: Sequence[Mapping[str, Any]],
        scores: Sequence[Mapping[str, Any]], channels: Sequence[str], now_ms: int,
    ) -> Matrix:
        """The same of a wave's customers, from what ``FeatureView`` holds: ``values`` are those of the plan's features,
        in its order. No record is made, which would be as many new objects as there are numbers."""
        vectors = self._vectors(channels, now_ms)
        if self._feature_places and values:
            numbers = np.array(values, np.float64)[:, self._feature_places]
            vectors[:, self._from_features] = _clipped(numbers)
        for column, id_ in self._from_attributes:
            vectors[:, column] = _clipped(np.array([_number(one.get(id_)) for one in attributes], np.float64))
        self._fill_scores(vectors, scores)
        return vectors

    def _vectors(self, channels: Sequence[str], now_ms: int) -> Matrix:
        """What does not depend on the customer; the rest NaN."""
        vectors = np.array([self._by_channel.get(channel, self._blank) for channel in channels], np.float32)
        vectors = vectors.reshape(len(channels), len(self.customer_features))
        if self._hour_at >= 0 or self._weekday_at >= 0:
            hour, weekday = self._local(now_ms)
            if self._hour_at >= 0:
                vectors[:, self._hour_at] = hour
            if self._weekday_at >= 0:
                vectors[:, self._weekday_at] = weekday
        return vectors

    def _fill_scores(self, vectors: Matrix, scores: Sequence[Mapping[str, Any]]) -> None:
        for column, target in self._from_scores:
            vectors[:, column] = _clipped(np.array([_number(one.get(target)) for one in scores], np.float64))

    def _numbers(self, records: Sequence[Mapping[str, Any]]) -> NDArray[Any]:
        """What the records hold for each column. Nearly always numbers alone, which the array's kind tells at once."""
        keys = self._record_keys
        values = np.array([[record.get(key, _ABSENT) for key in keys] for record in records])
        if values.dtype.kind == "f":
            return values
        return np.array([[_number(record.get(key)) for key in keys] for record in records], np.float64)

    def rows(self, vector: Vector, indexes: Indexes, evidence: NDArray[np.float64]) -> Matrix:
        """float32[len(indexes), width]: one row per candidate; ``evidence`` is a propensity per action of the plan."""
        return self.stack(vector[np.newaxis], [indexes], evidence)

    def stack(
        self, vectors: Matrix, indexes: Sequence[Indexes], evidence: NDArray[np.float64]
    ) -> Matrix:
        """The rows of several decisions, in order: one matrix for a whole wave. ``vectors``: one per decision."""
        if not len(vectors):
            return np.empty((0, self.width), np.float32)
        split = len(self.customer_features)
        every = np.concatenate(indexes)
        matrix = np.empty((len(every), self.width), np.float32)
        if len(vectors) == 1:
            matrix[:, :split] = vectors[0]
        else:
            matrix[:, :split] = np.repeat(vectors, [len(part) for part in indexes], axis=0)
        matrix[:, split:] = self._block[every]
        if self._evidence_at >= 0:
            matrix[:, self._evidence_at] = evidence[every]
        return matrix

    def _column(self, name: str) -> int:
        return self.features.index(name) if name in self.features else -1

    def _record_columns(self) -> tuple[NDArray[np.intp], tuple[str, ...]]:
        pairs = [
            (column, name.partition(".")[2])
            for column, name in enumerate(self.customer_features)
            if name.startswith(("profile.", "attribute."))
        ]
        return np.array([column for column, _ in pairs], np.intp), tuple(key for _, key in pairs)

    def _channel_template(self, channel: str) -> Vector:
        template = self._blank.copy()
        for column, name in enumerate(self.customer_features):
            if name.startswith("channel."):
                template[column] = float(name == f"channel.{channel}")
        return template

    def _local(self, now_ms: int) -> tuple[int, int]:
        """(hour, weekday) in the catalog's zone; Monday is 0. Remembered for a quarter of an hour."""
        step = now_ms // _OFFSET_STEP_MS
        if self._clock[0] != step:
            local = local_datetime(now_ms, self._zone)
            self._clock = (step, local.hour, local.weekday())
        return self._clock[1], self._clock[2]


def layouts_of(roles: Roles, plan: Plan) -> dict[str, Layout]:
    """Version -> its columns over the plan, of every scorer with a role that fits it."""
    layouts: dict[str, Layout] = {}
    for version in roles.versions:
        features = roles.manifests[version].get("features")
        if features:
            with suppress(BadInput):  # a scorer of another catalog is adopted and reported, but not asked
                layouts[version] = Layout(features, plan)
    return layouts


def _clipped(numbers: NDArray[Any]) -> NDArray[Any]:
    clipped: NDArray[Any] = np.minimum(np.maximum(numbers, -_FLOAT32_MAX), _FLOAT32_MAX)
    return clipped


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) else _ABSENT


def _action_value(name: str, action: Action) -> float:
    if name == "action.value":
        return action.value
    if name == "action.lever":
        return action.lever
    if name == "action.evidence":
        return np.nan
    prefix, _, rest = name.partition(".")
    if prefix == "tag":
        return float(rest in action.tags)
    return float(rest == {"group": action.group, "issue": action.issue, "action": action.id}[prefix])
