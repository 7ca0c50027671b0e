"""The funnel as bars: what went in, what each gate took out, what remains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cluster.console.views.gates import gate

#: Where what goes in is told, and the two that together tell what others were chosen over.
_FIRST, _RANKED, _LAST = "candidates", "ranked", "chosen"
_NOT_CHOSEN: Final = "not_chosen"


@dataclass(frozen=True, slots=True)
class GateBar:
    """``left``, ``lost``: shares of all candidates that remain after the gate, and that it took out."""

    gate: str
    title: str
    #: Completes "it was not shown: ...".
    reason: str
    removed: int
    remaining: int
    left: float
    lost: float
    #: Nothing takes out more.
    is_steepest: bool


@dataclass(frozen=True, slots=True)
class Funnel:
    """``candidates``: actions x decisions; ``bars`` in the order of the gates, the last one "others were chosen"."""

    candidates: int
    chosen: int
    bars: tuple[GateBar, ...]

    @property
    def chosen_share(self) -> float:
        return self.chosen / self.candidates


def funnel(gates: Sequence[Mapping[str, Any]]) -> Funnel | None:
    """Of ``GET /v1/funnel``; None where nothing was a candidate."""
    told = {row["gate"]: (row["removed"], row["remaining"]) for row in gates}
    whole = told.get(_FIRST, (0, 0))[1]
    if whole <= 0:
        return None
    chosen = told[_LAST][1]
    steps = [(id_, *numbers) for id_, numbers in told.items() if id_ not in (_FIRST, _RANKED, _LAST)]
    steps.append((_NOT_CHOSEN, told.get(_RANKED, (0, 0))[0] + told[_LAST][0], chosen))
    most = max(removed for _, removed, _ in steps)
    return Funnel(whole, chosen, tuple(_bar(*step, whole, most) for step in steps))


def _bar(id_: str, removed: int, remaining: int, whole: int, most: int) -> GateBar:
    said = gate(id_)
    title = said.title if said.id == id_ else id_
    return GateBar(id_, title, said.reason, removed, remaining, remaining / whole, removed / whole, 0 < removed == most)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a contact policy let through and refused. ``refused_share``: None where it was never asked."""

    policy: str
    granted: int
    refused: int
    refused_share: float | None


def policies(told: Iterable[Mapping[str, Any]]) -> tuple[Policy, ...]:
    """Those that refused most first."""
    rows = []
    for one in told:
        asked = one["granted"] + one["refused"]
        rows.append(Policy(one["policy"], one["granted"], one["refused"], one["refused"] / asked if asked else None))
    return tuple(sorted(rows, key=lambda row: (-row.refused, -row.granted, row.policy)))
