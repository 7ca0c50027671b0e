"""What is wrong with a log or a policy: everything at once, counted, with examples of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.errors import BadInput
from models.evaluation.log import Integers, Log, Numbers

Fault = dict[str, Any]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Listed:
    """A policy as somebody wrote it: m rows."""

    #: int64[m]: indexes into the log's rounds (-1: a round that the log lacks) and actions; rank as given.
    round: Integers
    rank: Integers
    action: Integers
    probability: Numbers
    #: How many rows are of rounds that the log lacks, how many such rounds, and some of their ids.
    strange_rows: int = 0
    strange_rounds: int = 0
    strange: tuple[object, ...] = ()


def refuse(faults: Sequence[Fault]) -> None:
    """Raises ``BadInput`` when there are any."""
    if faults:
        raise BadInput("this log and this policy cannot be evaluated; nothing was estimated", list(faults))


def log_faults(log: Log) -> list[Fault]:
    """Of values: what a file's columns must be is judged where it is read."""
    if not len(log):
        return [_fault("log", "rows", "the log holds no row; there is nothing to evaluate on")]
    at = _namer(log)
    faults = _of_selection(log, at)
    for bad, what in (
        (~np.isfinite(log.reward), "hold no finite number"),
        (np.isfinite(log.reward) & (np.abs(log.reward) > limits.EVALUATION_REWARD_ABS_MAX), "hold more than 1e15"),
    ):
        if bad.any():
            faults.append(_fault("log", "reward", f"{_rows(bad)} {what}{at(bad, log.reward)}; leave out the rounds "
                                                  "whose outcome is not known, and write 0 where nothing came"))
    again = _repeated(_keys(log))
    if again.any():
        faults.append(_fault("log", "round_id, rank", f"{_rows(again)} are duplicated, of the same round and rank as "
                             f"an earlier row{at(again)}; a position shows one action: keep one row of each"))
    return faults


def _of_selection(log: Log, at: Callable[..., str]) -> list[Fault]:
    chance, faults = log.selection, []
    for bad, what in (
        (np.isnan(chance), "are missing"), (chance == 0.0, "are 0, yet the action was shown"),
        (chance < 0.0, "are negative"), (chance > 1.0, "are above 1"),
    ):
        if bad.any():
            faults.append(_fault(
                "log", "selection_probability", f"{_rows(bad)} {what}{at(bad, chance)}; each must hold the probability "
                "above 0 with which the logging policy chose what it showed; rows without one cannot be used",
            ))
    return faults


def matched(log: Log, listed: Listed) -> Integers:
    """int64[m]: the log's position of each row of a policy, -1 where the log has none. Of repeated ones the first."""
    keys = _keys(log)
    order = np.argsort(keys, kind="stable")
    ranks = np.unique(log.rank)
    rank = np.searchsorted(ranks, listed.rank)
    known = (listed.round >= 0) & (rank < len(ranks))
    known &= ranks[np.minimum(rank, len(ranks) - 1)] == listed.rank
    wanted = np.where(known, listed.round * len(ranks) + rank, -1)
    place = np.searchsorted(keys[order], wanted)
    found = order[np.minimum(place, len(order) - 1)]
    return np.where(known & (keys[found] == wanted), found, -1)


def policy_faults(log: Log, listed: Listed, position: Integers) -> list[Fault]:
    """``position``: of ``matched``."""
    if not len(listed.probability):
        return [_fault("policy", "rows", "the policy holds no row; list a probability for every action it may choose")]
    chance, faults = listed.probability, []
    for bad, what in (
        (np.isnan(chance), "are missing"), (chance < 0.0, "are negative"), (chance > 1.0, "are above 1"),
    ):
        if bad.any():
            faults.append(_fault("policy", "probability", f"{_rows(bad)} {what}{_listed_at(log, listed, bad)}; write "
                                                          "the probability of the action at its round and rank"))
    keys = np.where(position >= 0, position * len(log.action_ids) + listed.action, -1)
    again = _repeated(keys) & (position >= 0)
    if again.any():
        faults.append(_fault("policy", "round_id, action, rank", f"{_rows(again)} are duplicated, of the same "
                             f"round, action and rank as an earlier row{_listed_at(log, listed, again)}; keep one"))
    return faults + _of_rounds(log, listed, position) + _of_sums(log, listed, position)


def _of_rounds(log: Log, listed: Listed, position: Integers) -> list[Fault]:
    faults = []
    if listed.strange_rows:
        shown = ", ".join(repr(id_) for id_ in listed.strange)
        faults.append(_fault(
            "policy", "round_id", f"{listed.strange_rounds} rounds ({listed.strange_rows} rows) are not in the log, "
            f"like {shown}; give the policy for the rounds of the log, under the same ids",
        ))
    here = np.zeros(len(log), np.bool_)
    here[position[position >= 0]] = True
    here = here[_first_of_same(log)]  # of a repeated position, the first stands for all
    if not here.all():
        rounds = len(np.unique(log.round[~here]))
        faults.append(_fault(
            "policy", "round_id, rank", f"{int((~here).sum())} positions of the log ({rounds} rounds) have no row in "
            f"the policy{_namer(log)(~here)}; say what the policy does at each of them",
        ))
    return faults


def _of_sums(log: Log, listed: Listed, position: Integers) -> list[Fault]:
    usable = (position >= 0) & np.isfinite(listed.probability)
    sums = np.bincount(position[usable], listed.probability[usable], minlength=len(log))
    bad = (np.abs(sums - 1.0) > limits.EVALUATION_SUM_TOLERANCE) & (np.bincount(
        position[position >= 0], minlength=len(log)) > 0)
    if not bad.any():
        return []
    return [_fault(
        "policy", "probability", f"at {int(bad.sum())} positions they do not add up to 1{_namer(log)(bad, sums)}; list "
        "every action that the policy may choose there (an action that is not listed counts as 0)",
    )]


def _keys(log: Log) -> Integers:
    """int64[n]: one number per pair of round and rank."""
    ranks, rank = np.unique(log.rank, return_inverse=True)
    return log.round * len(ranks) + rank.reshape(-1)


def _first_of_same(log: Log) -> Integers:
    _, first, inverse = np.unique(_keys(log), return_index=True, return_inverse=True)
    return first[inverse.reshape(-1)]


def _repeated(keys: Integers) -> Mask:
    """Every row but the first of those with the same key."""
    again = np.ones(len(keys), np.bool_)
    again[np.unique(keys, return_index=True)[1]] = False
    return again


def _rows(bad: Mask) -> str:
    return f"{int(bad.sum())} of {len(bad)} rows"


def _namer(log: Log) -> Callable[..., str]:
    def at(bad: Mask, values: Numbers | None = None) -> str:
        told = [
            f"round {log.round_ids[log.round[place]]!r} rank {log.rank[place]}"
            + ("" if values is None else f" ({values[place]:.6g})")
            for place in np.flatnonzero(bad)[: limits.EVALUATION_EXAMPLES_MAX]
        ]
        return ", like " + ", ".join(told)

    return at


def _listed_at(log: Log, listed: Listed, bad: Mask) -> str:
    told = []
    for place in np.flatnonzero(bad)[: limits.EVALUATION_EXAMPLES_MAX]:
        at = listed.round[place]
        round_ = repr(log.round_ids[at]) if at >= 0 else "(not in the log)"
        action = log.action_ids[listed.action[place]]
        told.append(f"round {round_} rank {listed.rank[place]} action {action!r} ({listed.probability[place]:.6g})")
    return ", like " + ", ".join(told)


def _fault(file: str, column: str, message: str) -> Fault:
    return {"loc": [file, column], "msg": message}
