"""Decisions and outcomes as Parquet: one row for each position that a decision filled, with what was known then.

Rows are there for what competed: neither fallbacks nor what customers of the control group got (nothing is weighed for
them), and nothing of erased customers. So a file is a log for `kairos evaluate --log` and rows for `kairos train
--rows` as it is. Columns:

round_id (string): the competition that a position belongs to, one per decision and placement: the first 24 hex digits
of the SHA-256 of the decision's id, a colon, the placement's id. Who has a decision's id finds its rows; no row names a
decision, whose id would tell which rows are of one customer.

action, placement, channel, treatment (string): what was chosen, where.

rank (int32): the position within the placement, from 1.

selection_probability (float64): the chance that this action had to take this position, given those above it.

reward (float64): 1 accepted within its response window; 0 not accepted, or never shown (nobody confirmed it while its
hold lasted); null while that is open.

label (uint8): of shown items whose window has ended: accepted? null where not shown or still open, from which nobody
learns. label_time_ms (int64): when the label was final, null without a label.

confirmed (bool): an outcome said that it was shown.

time_ms (int64): when it was decided, milliseconds since 1970 UTC.

propensity (float64): of acceptance, as it was decided on; null where nothing was predicted.

scorer_version (string, null without a scorer), evidence_version (int64), catalog_version (string), degraded (bool: the
scorer gave no answer in time): what decided.

experiments (map of string to string): the customer's experiments and variants in force.

customer (string): only with --customers hashed: a pseudonym, stable for this installation, that leads nowhere without
its secret.

Every other column is a feature (float32, null where absent) as it was before the decision, named as scorers read it:
profile.*, attribute.*, score.*, time.*, channel.*, action.*, group.*, issue.*, tag.*. They are those of the newest
catalog; what an older one lacked is null.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.shown import Shown

_ROUND_DIGITS: Final = 24
_PSEUDONYM_BYTES: Final = 16


def round_id(decision_id: str, placement: str) -> str:
    """Unique per decision and placement."""
    return f"{hashlib.sha256(decision_id.encode()).hexdigest()[:_ROUND_DIGITS]}:{placement}"


def pseudonym(customer: bytes) -> str:
    """Of a customer key, which is a keyed hash itself: 32 hex digits."""
    return hashlib.blake2b(customer, digest_size=_PSEUDONYM_BYTES, person=b"kairos export").hexdigest()


def plain_columns(shown: Sequence[Shown], now_ms: int, *, customers: bool = False) -> dict[str, list[Any]]:
    """Every column but the features, as of ``now_ms``; None is null."""
    columns = {name: [value(one, now_ms) for one in shown] for name, value in _VALUES.items()}
    if customers:
        columns["customer"] = [pseudonym(one.decision.customer) for one in shown]
    return columns


def feature_matrix(shown: Sequence[Shown]) -> NDArray[np.float32]:
    """float32[items, features] of items that share a layout."""
    return np.stack([one.row for one in shown])


def _label(one: Shown, now_ms: int) -> int | None:
    label = one.label(now_ms)
    return None if label is None else int(label)


_VALUES: Final[dict[str, Callable[[Shown, int], Any]]] = {
    "round_id": lambda one, _: round_id(one.decision.decision_id, one.item.placement),
    "action": lambda one, _: one.item.action,
    "rank": lambda one, _: one.item.rank,
    "reward": lambda one, now_ms: one.reward(now_ms),
    "selection_probability": lambda one, _: one.item.selection_probability,
    "placement": lambda one, _: one.item.placement,
    "channel": lambda one, _: one.decision.channel,
    "treatment": lambda one, _: one.item.treatment,
    "time_ms": lambda one, _: one.time_ms,
    "label": _label,
    "label_time_ms": lambda one, now_ms: None if one.label(now_ms) is None else one.ends_ms,
    "confirmed": lambda one, _: one.confirmed_ms > 0,
    "propensity": lambda one, _: one.item.propensity,
    "scorer_version": lambda one, _: one.decision.scorer_version,
    "evidence_version": lambda one, _: one.decision.evidence_version,
    "catalog_version": lambda one, _: one.decision.catalog_version,
    "degraded": lambda one, _: one.decision.degraded,
    "experiments": lambda one, _: list(one.decision.exposures),
}
