"""The counts as ``GET /v1/live`` and ``GET /v1/funnel`` tell them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from models import limits
from models.arbitration.preparation import GATES
from models.canonical import pack
from models.errors import BadInput
from models.insight.counts import CELL_AT, REMOVED, Counts
from models.insight.history import WINDOWS, History
from models.insight.names import Names
from models.times import format_time

_VERSION_BYTES: Final = 6
#: ``ranked`` alone is no gate that removes: who is ranked and not chosen fell to others.
_NUMBERS: Final = ("chosen", "fallback", "confirmed", "accepted", "negative")
_CONTROL: Final = ("chosen", "confirmed", "accepted")


def version_of(content: Mapping[str, Any]) -> int:
    """A number that is another one when the content is; JSON keeps it as it is."""
    return int.from_bytes(hashlib.blake2b(pack(content), digest_size=_VERSION_BYTES).digest(), "big")


def time_or_none(at_ms: int) -> str | None:
    return format_time(at_ms) if at_ms else None


def minutes(history: History) -> list[dict[str, Any]]:
    """At most an hour of them, oldest first; a minute without anything is left out."""
    told = []
    for begin_ms, counts in history.minutes():
        sums = counts.cells.sums()
        told.append({
            "minute": format_time(begin_ms), "decisions": counts.decisions, "degraded": counts.degraded,
            "events": counts.events, "outcomes": counts.outcomes, "chosen": int(sums[CELL_AT["chosen"]]),
            "accepted": int(sums[CELL_AT["accepted"]]),
        })
    return told[-limits.INSIGHT_MINUTES :]


def funnel(
    history: History, names: Names | None, window: str, channel: str | None = None, action: str | None = None,
) -> dict[str, Any]:
    """The body but for its version. ``names``: the catalog in force, whose policies and budgets are told even where
    nothing was counted. ``decisions``, policies and budgets are of all actions, whatever ``action`` says.

    Raises ``BadInput`` for an unknown window.
    """
    if window not in WINDOWS:
        error = {"loc": ["window"], "msg": f"unknown window {window!r}; known: {', '.join(WINDOWS)}"}
        raise BadInput(f"window={window!r} is none of {', '.join(WINDOWS)}", [error])
    begin_ms, counts = history.window(window)
    cells = [
        (key, {name: int(row[place]) for name, place in CELL_AT.items()}) for key, row in counts.cells.items()
        if channel in (None, key[1]) and action in (None, key[0])
    ]
    if channel is None and action is None and counts.cells.others.any():
        others = {name: int(counts.cells.others[place]) for name, place in CELL_AT.items()}
        cells.append((("(others)", "(others)"), others))
    order = {id_: place for place, id_ in enumerate(names.actions)} if names is not None else {}
    cells.sort(key=lambda cell: (order.get(cell[0][0], len(order)), cell[0]))
    return {
        "window": window, "from": time_or_none(begin_ms), "to": time_or_none(history.newest_ms),
        **_decisions(counts, channel), "gates": _gates([numbers for _, numbers in cells]),
        "actions": [_action(key, numbers) for key, numbers in cells],
        "policies": _rules(counts.policies, names.policies if names else (), "policy", ("granted", "refused"), channel),
        "budgets": _rules(counts.budgets, names.budgets if names else (), "budget", ("dry",), channel),
    }


def _decisions(counts: Counts, channel: str | None) -> dict[str, int]:
    if channel is None:
        return {"decisions": counts.decisions, "degraded": counts.degraded, "held_out": counts.held_out}
    found = dict(counts.channels.items()).get((channel,), (0, 0, 0))
    return {"decisions": int(found[0]), "degraded": int(found[1]), "held_out": int(found[2])}


def _candidates(numbers: Mapping[str, int]) -> int:
    return sum(numbers[gate] for gate in REMOVED) + numbers["chosen"]


def _gates(cells: Sequence[Mapping[str, int]]) -> list[dict[str, Any]]:
    """As in an explanation: what remains after each gate. Who is not chosen was removed by the last one, ``chosen``."""
    removed = {gate: sum(numbers[gate] for numbers in cells) for gate in REMOVED}
    removed["chosen"], removed["ranked"] = removed["ranked"], 0
    remaining = sum(map(_candidates, cells))
    told = []
    for gate in GATES:
        gone = removed.get(gate, 0)
        remaining -= gone
        told.append({"gate": gate, "removed": gone, "remaining": remaining})
    return told


def _action(key: Sequence[str], numbers: Mapping[str, int]) -> dict[str, Any]:
    removed = {gate: numbers[gate] for gate in REMOVED if gate != "ranked" and numbers[gate]}
    if numbers["ranked"]:
        removed["chosen"] = numbers["ranked"]
    return {
        "action": key[0], "channel": key[1], "candidates": _candidates(numbers), "removed": removed,
        **{name: numbers[name] for name in _NUMBERS},
        "value": round(numbers["value_units"] + numbers["value_micros"] / limits.MICRO, 6),
        "control": {name: numbers[f"control_{name}"] for name in _CONTROL},
    }


def _rules(
    table: Any, known: Sequence[str], name: str, columns: Sequence[str], channel: str | None
) -> list[dict[str, Any]]:
    """In the catalog's order; what an earlier catalog knew comes after."""
    sums: dict[str, list[int]] = {id_: [0] * len(columns) for id_ in known}
    for (id_, where), row in table.items():
        if channel in (None, where):
            told = sums.setdefault(id_, [0] * len(columns))
            for place, count in enumerate(row.tolist()):
                told[place] += count
    return [{name: id_, **dict(zip(columns, told, strict=True))} for id_, told in sums.items()]
