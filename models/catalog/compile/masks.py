"""Columns and masks over the actions of a plan (length: all actions, fallbacks included), read-only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.catalog.plan import Action, Channel, Mask, Scope, Treatment

_EARLIEST = np.iinfo(np.int64).min
_LATEST = np.iinfo(np.int64).max


def frozen_mask(values: Sequence[bool]) -> Mask:
    mask = np.array(values, dtype=np.bool_)
    mask.setflags(write=False)
    return mask


def int32_column(values: Sequence[int]) -> NDArray[np.int32]:
    column = np.array(values, dtype=np.int32)
    column.setflags(write=False)
    return column


def float_column(values: Sequence[float]) -> NDArray[np.float64]:
    column = np.array(values, dtype=np.float64)
    column.setflags(write=False)
    return column


def validity(actions: Sequence[Action]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(valid from, valid until) in ms; open bounds are the extremes of int64."""
    first = [_EARLIEST if action.valid_from_ms is None else action.valid_from_ms for action in actions]
    last = [_LATEST if action.valid_until_ms is None else action.valid_until_ms for action in actions]
    columns = np.array(first, dtype=np.int64), np.array(last, dtype=np.int64)
    for column in columns:
        column.setflags(write=False)
    return columns


def channel_masks(actions: Sequence[Action], channels: Mapping[str, Channel]) -> dict[str, Mask]:
    used = [{treatment.channel for treatment in action.treatments} for action in actions]
    return {channel: frozen_mask([channel in mine for mine in used]) for channel in channels}


def treatments_at(
    actions: Sequence[Action], placements: Mapping[str, object],
) -> dict[str, tuple[tuple[int, Treatment], ...]]:
    found: dict[str, list[tuple[int, Treatment]]] = {placement: [] for placement in placements}
    for action in actions:
        for treatment in action.treatments:
            found[treatment.placement].append((action.index, treatment))
    return {placement: tuple(pairs) for placement, pairs in found.items()}


def scope_masks(actions: Sequence[Action], channels: Mapping[str, Channel]) -> Callable[[Scope], Mask]:
    """A function from a scope to the actions that it can concern; each scope is worked out once."""
    known: dict[Scope, Mask] = {}

    def mask(scope: Scope) -> Mask:
        if scope not in known:
            known[scope] = frozen_mask([_concerns(scope, action, channels) for action in actions])
        return known[scope]

    return mask


def _concerns(scope: Scope, action: Action, channels: Mapping[str, Channel]) -> bool:
    if scope.issue not in ("", action.issue) or scope.group not in ("", action.group):
        return False
    if scope.action not in ("", action.id):
        return False
    if not (scope.channel or scope.direction or scope.treatment):
        return True
    return any(
        scope.channel in ("", treatment.channel)
        and scope.direction in ("", channels[treatment.channel].direction)
        and scope.treatment in ("", treatment.id)
        for treatment in action.treatments
    )
