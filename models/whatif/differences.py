"""Two answers to one request, position by position."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from models.whatif.changes import Changes
from models.whatif.reasons import Item, Reasons
from models.whatif.side import Asked, Told


def differ(live: Told, candidate: Told) -> bool:
    """Both catalogs can be asked, and the customer would see something else."""
    if live.body is None or candidate.body is None:
        return False
    placements = [one["placement"] for one in live.body["placements"]]
    return any(not _is_same(before, after) for *_, before, after in _positions(live, candidate, placements))


def result_of(changes: Changes, asked: Asked, live: Told, candidate: Told) -> dict[str, Any]:
    """The contract's result of one request, of which at least one side could be asked; with their explanations where
    both could, and ``differ``."""
    body = asked.command.body
    differences = _differences(changes, live, candidate, [one["id"] for one in body["placements"]])
    return {
        "customer_id": body["customer_id"], "channel": body["channel"], "request_id": body["request_id"],
        "newcomer": asked.profile is None, "changed": bool(differences), "live": _shown(live),
        "candidate": _shown(candidate), "differences": differences,
    }


def _shown(told: Told) -> dict[str, Any]:
    if told.body is None:
        return {"placements": [], "refused": told.refusal}
    return {
        "placements": told.body["placements"], "control_group": told.body["control_group"],
        "scorer_version": told.body["scorer_version"], "degraded": told.body["degraded"],
        "experiments": told.body.get("experiments", {}),
    }


def _differences(changes: Changes, live: Told, candidate: Told, placements: list[str]) -> list[dict[str, Any]]:
    if live.body is None or candidate.body is None:
        whose = "live" if live.body is None else "new"
        why = f"The request does not fit the {whose} catalog: {live.refusal or candidate.refusal}."
        found = _positions(live, candidate, placements)
        return [_difference(*position, why) for position in found] or [_difference(placements[0], 1, None, None, why)]
    if not differ(live, candidate):
        return []
    reasons = Reasons(changes, live.body, candidate.body)
    return [
        _difference(placement, rank, before, after, reasons.why(before, after))
        for placement, rank, before, after in _positions(live, candidate, placements) if not _is_same(before, after)
    ]


def _positions(
    live: Told, candidate: Told, placements: list[str]
) -> list[tuple[str, int, Item | None, Item | None]]:
    before, after = _items(live), _items(candidate)
    return [
        (placement, rank, one, other)
        for placement in placements
        for rank, (one, other) in enumerate(zip_longest(before.get(placement, ()), after.get(placement, ())), 1)
    ]


def _items(told: Told) -> dict[str, list[Item]]:
    return {} if told.body is None else {one["placement"]: one["items"] for one in told.body["placements"]}


def _is_same(before: Item | None, after: Item | None) -> bool:
    """What the customer sees is the same."""
    if before is None or after is None:
        return before is after
    return all(before[name] == after[name] for name in ("action", "treatment", "content"))


def _difference(placement: str, rank: int, before: Item | None, after: Item | None, why: str) -> dict[str, Any]:
    return {
        "placement": placement, "rank": rank, "live": None if before is None else before["action"],
        "candidate": None if after is None else after["action"], "why": why,
    }
