"""The paper that travels with a scorer's file: what it is, what it reads, on what it was trained, how good it was."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models import limits
from models.canonical import pack
from models.catalog.plan import Plan
from models.errors import BadInput
from models.scoring.calibration import Calibration

#: Columns of time and of an action that need nothing of the catalog.
TIME_FEATURES: Final = ("time.hour", "time.weekday")
ACTION_FEATURES: Final = ("action.value", "action.lever", "action.evidence")
#: Prefixes of columns that belong to a customer at a moment; all others belong to an action.
CUSTOMER_PREFIXES: Final = ("profile.", "attribute.", "score.", "time.", "channel.")

_VERSION_DIGITS: Final = 16

#: What the number of a scorer is: a chance in [0, 1], or an amount.
Objective = Literal["probability", "number"]


class Histogram(BaseModel):
    """How a feature was spread over the rows that the trees were grown on: what drift is measured against."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    #: Inner edges, rising; ``numpy.searchsorted(edges, value, side="right")`` is the bin of a value.
    edges: tuple[float, ...] = Field(max_length=limits.REFERENCE_BINS_MAX - 1)
    #: Of the rows with a value, per bin: one more than edges. They add up to 1, or are all 0 when no row has a value.
    shares: tuple[float, ...] = Field(min_length=1, max_length=limits.REFERENCE_BINS_MAX)
    #: Share of all rows that have no value.
    missing: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(self.shares) != len(self.edges) + 1 or min(self.shares) < 0:
            raise ValueError("a histogram has one share more than edges, none below 0")
        if any(before >= after for before, after in pairwise(self.edges)):
            raise ValueError("the edges of a histogram rise")
        return self


class Manifest(BaseModel):
    """Stored beside the model as ``manifest.json`` and logged when a shard adopts the scorer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Derived from the file and from what changes the numbers it gives; see ``version_of``.
    version: str
    #: Name of the model's file inside the scorer's folder.
    file: str
    #: Hex, over the model's file.
    sha256: str
    #: Names in column order: customer columns first, then action columns (see ``models.scoring.matrix``).
    features: tuple[str, ...] = Field(min_length=1)
    #: Decision times (ms) of the oldest and the newest row that the trees were grown on.
    trained_from_ms: int
    trained_until_ms: int
    #: Rows in training, validation and test, and how many of them were accepted.
    rows: dict[str, int]
    accepted: dict[str, int]
    #: On rows later than all that training and early stopping saw: auc, log_loss, base_log_loss.
    metrics: dict[str, float]
    #: Of the training library.
    params: dict[str, Any]
    created_ms: int
    #: From what the trees give to what the scorer says; fitted on rows later than those they were grown on.
    calibration: Calibration = Calibration()
    #: Id of the catalog's target that is predicted; empty: the propensity to accept.
    target: str = ""
    #: As the catalog defined that target when the rows were labelled (``targets.definition``); empty: not said.
    asks: dict[str, Any] = Field(default_factory=dict)
    objective: Objective = "probability"
    #: Rows per action that the trees were grown on, and per group and issue of which the rows said so, whether or not
    #: the trees read that: how far the scorer is trusted (see ``blending``). Empty where rows are no actions.
    actions: dict[str, int] = Field(default_factory=dict)
    groups: dict[str, int] = Field(default_factory=dict)
    issues: dict[str, int] = Field(default_factory=dict)
    #: Feature that was there to learn from and is not read -> why.
    dropped: dict[str, str] = Field(default_factory=dict)
    reference: dict[str, Histogram] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.objective == "number" and self.calibration.kind != "none":
            raise ValueError("a scorer of numbers has no calibration")
        return self

    def to_wire(self) -> dict[str, Any]:
        """Plain data for JSON or msgpack."""
        return self.model_dump(mode="json")

    @classmethod
    def from_wire(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of ``to_wire``; raises ``BadInput`` naming every wrong field."""
        try:
            return cls.model_validate(dict(data))
        except ValidationError as error:
            errors = [{"loc": list(e["loc"]), "msg": e["msg"]} for e in error.errors()]
            raise BadInput("this is not the manifest of a scorer; train again with `kairos train`", errors) from error


def version_of(
    model: bytes, features: Sequence[str], calibration: Calibration = Calibration(), target: str = "",
) -> tuple[str, str]:
    """(version, sha256) of a model file: the same trees over other columns, through another curve or for another
    target are another version."""
    sha256 = hashlib.sha256(model).hexdigest()
    said = [sha256, list(features), calibration.kind, list(calibration.x), list(calibration.y), target]
    return f"xgb-{hashlib.sha256(pack(said)).hexdigest()[:_VERSION_DIGITS]}", sha256


def unresolved(features: Sequence[str], plan: Plan) -> list[str]:
    """One sentence for each feature name that this plan cannot fill; empty when the scorer fits the catalog."""
    known = _Known(plan)
    reasons = [reason for name in features if (reason := known.refusal(name))]
    reasons += [f"{name!r} is listed twice" for name in sorted({n for n in features if list(features).count(n) > 1})]
    seen_action = ""
    for name in features:
        if not name.startswith(CUSTOMER_PREFIXES):
            seen_action = seen_action or name
        elif seen_action:
            reasons.append(f"the customer column {name!r} stands after the action column {seen_action!r}")
            break
    return reasons


class _Known:
    """What a plan offers to a scorer, by prefix."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._ids: dict[str, frozenset[str]] = {
            "profile": frozenset(plan.feature_index),
            "channel": frozenset(plan.channels),
            "group": frozenset(action.group for action in plan.actions),
            "issue": frozenset(action.issue for action in plan.actions),
            "tag": frozenset(tag for action in plan.actions for tag in action.tags),
            "action": frozenset(plan.action_index),
        }

    def refusal(self, name: str) -> str:
        """Why this name cannot be filled, or an empty string."""
        if name in TIME_FEATURES or name in ACTION_FEATURES:
            return ""
        prefix, _, rest = name.partition(".")
        if prefix == "attribute":
            attribute = self._plan.attributes.get(rest)
            if attribute is None:
                return f"{name!r}: the catalog declares no attribute {rest!r}"
            if attribute.type == "string":
                return f"{name!r}: the attribute is a string; a scorer reads numbers and bools"
            return ""
        if prefix == "score":
            target = self._plan.targets.get(rest)
            if target is None:
                return f"{name!r}: the catalog has no target {rest!r}"
            if target.is_text:
                return f"{name!r}: the target's scores are ids of channels; a scorer reads numbers and bools"
            return ""
        if prefix not in self._ids:
            return f"{name!r}: no such kind of feature; known: attribute, score, time, {', '.join(sorted(self._ids))}"
        if rest not in self._ids[prefix]:
            return f"{name!r}: the catalog has no {_NOUNS[prefix]} {rest!r}"
        return ""


_NOUNS: Final = {
    "profile": "feature", "channel": "channel", "group": "group with an action", "issue": "issue with an action",
    "tag": "tag", "action": "action",
}
