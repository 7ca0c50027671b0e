"""Why a position is filled otherwise: two explanations of the same request, compared in words a business reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.catalog.plan import Plan
from models.whatif.changes import Changes
from models.whatif.gate_words import Entry, cause, stopped

Item = Mapping[str, Any]
_NOT_CHOSEN: Final = "not_chosen"
#: The detail of who was not chosen, though nothing refuses it.
_OTHERS: Final = "others took the positions"
#: Whoever has most priority of those who are left is drawn at least so often, as catalogs are.
_NO_RARE_DRAW: Final = 0.5
#: Numbers of a candidate that make its priority, as they are told.
_FACTORS: Final = (("propensity", "propensity"), ("context_weight", "context weight"), ("value", "value"),
                   ("lever", "lever"))


class Reasons:
    def __init__(self, changes: Changes, live: Mapping[str, Any], candidate: Mapping[str, Any]) -> None:
        """``live``, ``candidate``: decisions with their explanations."""
        self._changes = changes
        self._before = {one["action"]: one for one in live["explanation"]["candidates"]}
        self._after = {one["action"]: one for one in candidate["explanation"]["candidates"]}

    def why(self, before: Item | None, after: Item | None) -> str:
        """Of one position: what stands there under the live catalog and under the candidate."""
        if before is not None and after is not None and before["action"] == after["action"]:
            return self._same_action(before, after)
        told = []
        if before is not None and not before["fallback"]:
            told.append(self._left(before["action"], after))
        if after is None:
            told.append("nothing is left to show here")
        elif after["fallback"]:
            told.append(f"the fallback {after['action']!r} fills the place")
        else:
            told.append(self._came(after["action"], before))
        return _sentences([one for one in told if one])

    def _same_action(self, before: Item, after: Item) -> str:
        if before["treatment"] != after["treatment"]:
            return _sentences([f"shown as {after['treatment']!r} in place of {before['treatment']!r}"])
        return _sentences([f"the content of treatment {after['treatment']!r} is another"])

    def _left(self, action: str, after: Item | None) -> str:
        """Why the live catalog's choice no longer stands here."""
        entry, plan = self._after.get(action), self._changes.candidate
        if entry is None:
            return f"{action!r} {_is_no_candidate(plan, action, 'the new catalog')}"
        if "removed_by" not in entry:
            return "; ".join([f"{action!r} moves to {entry['placement']!r}, rank {entry['rank']}", *self._moved(entry)])
        if entry["removed_by"] != _NOT_CHOSEN:
            return self._with_cause(f"{action!r} falls out: {stopped(entry)}", entry, under_live=False)
        winner = None if after is None or after["fallback"] else self._after[after["action"]]
        if winner is None or _could_not_stand(entry, winner):
            return self._with_cause(f"{action!r} falls out: {entry['detail']}", entry, under_live=False)
        return self._outranked(entry, winner)

    def _came(self, action: str, before: Item | None) -> str:
        """Why the candidate's choice did not stand here before."""
        entry, plan = self._before.get(action), self._changes.live
        if entry is None:
            return f"{action!r} {_is_no_candidate(plan, action, 'the live catalog')}"
        if "removed_by" not in entry:
            moved = [] if self._beats(action, before) else self._moved(self._after[action])
            return "; ".join([f"{action!r} comes from {entry['placement']!r}, rank {entry['rank']}", *moved])
        if entry["removed_by"] != _NOT_CHOSEN:
            return self._with_cause(f"{action!r} was kept out before: {stopped(entry)}", entry, under_live=True)
        loser = None if before is None or before["fallback"] else self._before[before["action"]]
        if loser is None or _could_not_stand(entry, loser):
            words = self._with_cause(f"{action!r} was kept out before: {entry['detail']}", entry, under_live=True)
            return "; ".join([words, *self._moved(self._after[action])])
        if self._beats(action, before):
            return ""  # told of the one who left
        return f"{action!r} comes next by its priority of {_number(self._after[action]['priority'])}"

    def _beats(self, action: str, before: Item | None) -> bool:
        """What stood here could still stand here, and this was ranked or drawn in its place: then that is told."""
        left = None if before is None else self._after.get(before["action"])
        return left is not None and left.get("removed_by") == _NOT_CHOSEN and not _could_not_stand(
            left, self._after[action]
        )

    def _outranked(self, loser: Entry, winner: Entry) -> str:
        """Both could stand here under the candidate, and the priority or the draw decided."""
        name = winner["action"]
        against = f"priority {_number(winner['priority'])} against {_number(loser['priority'])}"
        moved = [*self._moved(winner), *self._moved(loser)]
        if self._mandatory(name) and not self._mandatory(loser["action"]):
            return f"{name!r} is mandatory"
        best = self._best()
        is_rare = winner["selection_probability"] < _NO_RARE_DRAW and winner is not best
        is_drawn = is_rare or winner["priority"] < loser["priority"]
        moved = moved or self._arbitration() or (self._moved(best) if is_drawn else [])
        if not is_drawn:
            words = f"{name!r} ranks above {loser['action']!r}, {against}{self._ranks_before(winner, loser)}"
        else:
            words = f"exploration drew {name!r} with probability {_number(winner['selection_probability'])}, {against}"
        return "; ".join([words, *moved])

    def _best(self) -> Entry:
        """Of the candidate's the one with most priority: from it the chances of all others follow."""
        ranked = (entry for entry in self._after.values() if "priority" in entry)
        return max(ranked, key=lambda entry: float(entry["priority"]))

    def _ranks_before(self, winner: Entry, loser: Entry) -> str:
        before = [self._before.get(one["action"], {}).get("priority") for one in (winner, loser)]
        if None in before or before == [winner["priority"], loser["priority"]]:
            return ""
        return f" (before: {_number(before[0])} against {_number(before[1])})"

    def _moved(self, entry: Entry) -> list[str]:
        """The numbers of an action that were others under the live catalog."""
        before = self._before.get(entry["action"])
        if before is None or "priority" not in before:
            return []
        told = [
            f"the {words} of {entry['action']!r} goes from {_number(before[name])} to {_number(entry[name])}"
            for name, words in _FACTORS if before[name] != entry[name]
        ]
        if before["propensity_source"] != entry["propensity_source"]:
            told.append(f"which now comes from the {entry['propensity_source']}")
        return told

    def _mandatory(self, action: str) -> bool:
        plan = self._changes.candidate
        return plan.actions[plan.action_index[action]].mandatory

    def _arbitration(self) -> list[str]:
        named = {"factors": "the factors of the priority are others", "exploration": "exploration is another",
                 "evidence": "evidence is weighed otherwise"}
        return [words for part, words in named.items() if self._changes.arbitration(part)]

    def _with_cause(self, words: str, entry: Entry, *, under_live: bool) -> str:
        told = cause(self._changes, entry, under_live=under_live)
        return f"{words}; {told}" if told else words


def _is_no_candidate(plan: Plan, action: str, catalog: str) -> str:
    return f"is only a fallback in {catalog}" if action in plan.action_index else f"is not in {catalog}"


def _could_not_stand(entry: Entry, chosen: Entry) -> bool:
    """An action that was not chosen could not stand where another was: it has more priority and something above it
    refuses it, while the other was no rare draw. What explains it says how things stand below the last item, so what
    the other itself would refuse is told of neither."""
    is_refused: bool = entry["detail"] != _OTHERS
    return is_refused and entry["priority"] > chosen["priority"] and chosen["selection_probability"] >= _NO_RARE_DRAW


def _number(value: Any) -> str:
    return f"{float(value):.4g}"


def _sentences(parts: list[str]) -> str:
    """One sentence of each."""
    return " ".join(f"{part[0].upper()}{part[1:]}." for part in parts)
