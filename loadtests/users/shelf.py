"""What a caller must know of a catalog: channels and their placements, what accepts an action, what spends a budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

CONFIRMS: Final = frozenset({"impression", "delivery", "click", "accept", "convert", "reject", "dismiss", "complain"})


@dataclass(frozen=True, slots=True)
class Channel:
    id: str
    #: What confirms a contact here: ``impression``, or ``delivery`` on an outbound one.
    shows: str
    outbound: bool
    #: As a decision request asks for them, as many items each as they take.
    placements: tuple[dict[str, Any], ...]


class Shelf:
    def __init__(self, catalog: Mapping[str, Any]) -> None:
        asked: dict[str, list[dict[str, Any]]] = {}
        for one in catalog["placements"]:
            asked.setdefault(one["channel"], []).append({"id": one["id"], "count": one.get("count_max") or 1})
        every = [
            Channel(
                one["id"], "delivery" if one["direction"] == "outbound" else "impression",
                one["direction"] == "outbound", tuple(asked[one["id"]]),
            ) for one in catalog["channels"] if one["id"] in asked
        ]
        self.channels: Final = tuple(every)
        self.inbound: Final = tuple(one for one in every if not one.outbound) or self.channels
        self.consents: Final = sorted({one["consent"] for one in catalog["channels"] if one.get("consent")})
        self.accepting: Final[dict[str, str]] = {
            one["id"]: (one.get("accept") or {}).get("outcome") or "accept" for one in catalog["actions"]
        }
        spend_on = {one["id"]: one.get("spend_on") or "accept" for one in catalog["budgets"]}
        #: Treatment -> (budget, units, what spends them: "accept" or "contact").
        self.spends: Final[dict[str, tuple[tuple[str, int, str], ...]]] = {
            treatment["id"]: tuple(
                (use["id"], use["units"], spend_on[use["id"]])
                for use in (action.get("budget"), treatment.get("budget")) if use
            )
            for action in catalog["actions"] for treatment in action["treatments"]
        }


@dataclass(slots=True)
class Shown:
    """One item that a decision chose, and what was acknowledged of it."""

    customer: str
    decision_id: str
    time: str
    action: str
    treatment: str
    fallback: bool
    confirmed: bool = False
    accepted: bool = False

    def units(self, kind: str, shelf: Shelf) -> list[tuple[str, int]]:
        """(budget, units) that an outcome of this kind spends, if it is the first of its sort for this item."""
        if self.fallback:
            return []
        confirms = kind in CONFIRMS and not self.confirmed
        accepts = kind == shelf.accepting.get(self.action) and not self.accepted
        return [
            (budget, units) for budget, units, on in shelf.spends.get(self.treatment, ())
            if (confirms if on == "contact" else accepts)
        ]

    def note(self, kind: str, shelf: Shelf) -> None:
        self.confirmed |= kind in CONFIRMS
        self.accepted |= kind == shelf.accepting.get(self.action)
