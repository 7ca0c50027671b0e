"""Does a decision request fit the plan? What does not is told all at once."""

from __future__ import annotations

from typing import Any

from models import limits
from models.arbitration.index import PlanIndex
from models.catalog.plan import Channel, Plan
from models.immutable import immutable
from models.turn.commands import problem as problem_object

#: Channel, and (placement, count) of each that is asked for.
Shape = tuple[Any, ...]
#: How many known ids a message lists.
_NAMED_MAX = 20


@immutable
class Asked:
    """Where a request that fits the plan wants something shown."""

    channel: Channel
    #: In request order.
    placements: tuple[str, ...]
    #: How many items at most.
    positions: int


def asked_of(index: PlanIndex, request: dict[str, Any]) -> Asked | dict[str, Any]:
    """A problem object (422) when the request does not fit the plan.

    Channels ask for the same few shapes over and over, so each that fits is judged once.
    """
    channel, wanted = request["channel"], request["placements"]
    shape: Shape = (channel, *[(asked["id"], asked["count"]) for asked in wanted])
    known = index.asked.get(shape)
    if known is None:
        problem = request_problem(index.plan, request)
        if problem is not None:
            return problem
        if len(index.asked) >= limits.SHAPES_KEPT_MAX:
            index.asked.clear()
        known = index.asked[shape] = Asked(
            index.plan.channels[channel], tuple(asked["id"] for asked in wanted),
            sum(asked["count"] for asked in wanted),
        )
    return known


def request_problem(plan: Plan, request: dict[str, Any]) -> dict[str, Any] | None:
    """A problem object (422) naming every unknown, repeated, foreign or oversized part; None when the request fits."""
    channel = request["channel"]
    errors: list[dict[str, Any]] = []
    if channel not in plan.channels:
        errors.append({"loc": ["channel"], "msg": f"unknown channel {channel!r}; known: {_named(list(plan.channels))}"})
    seen: set[str] = set()
    for at, asked in enumerate(request["placements"]):
        errors += _placement_errors(plan, channel, asked, ["placements", at], seen)
        seen.add(asked["id"])
    if not errors:
        return None
    return problem_object(
        422, "Unprocessable request", "; ".join(error["msg"] for error in errors[:3]),
        request_id=request.get("request_id") or "", errors=errors,
    )


def _placement_errors(
    plan: Plan, channel: str, asked: dict[str, Any], loc: list[str | int], seen: set[str],
) -> list[dict[str, Any]]:
    id_, count = asked["id"], asked["count"]
    placement = plan.placements.get(id_)
    if placement is None:
        known = [p.id for p in plan.placements.values() if channel not in plan.channels or p.channel == channel]
        return [{"loc": [*loc, "id"], "msg": f"unknown placement {id_!r}; known: {_named(known)}"}]
    errors: list[dict[str, Any]] = []
    if id_ in seen:
        errors.append({"loc": [*loc, "id"], "msg": f"placement {id_!r} is asked for twice; ask once, with a count"})
    if channel in plan.channels and placement.channel != channel:
        msg = f"placement {id_!r} belongs to channel {placement.channel!r}, not to {channel!r}"
        errors.append({"loc": [*loc, "id"], "msg": msg})
    if count > placement.count_max:
        msg = f"count {count} is over count_max {placement.count_max} of placement {id_!r}"
        errors.append({"loc": [*loc, "count"], "msg": msg})
    return errors


def _named(known: list[str]) -> str:
    listed = ", ".join(sorted(known)[:_NAMED_MAX])
    return f"{listed}, ..." if len(known) > _NAMED_MAX else listed or "none"
