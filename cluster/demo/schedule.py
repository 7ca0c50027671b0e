"""What history does in each step of the replay: baskets as they came, mailings at ten in the morning."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from cluster.demo.baskets import Basket
from cluster.demo.journey import Household, Journey, local_day, local_ms

#: The clock stands at these local hours; a mailing hour is one of them.
STEP_HOURS: Final = (10, 22)


@dataclass(slots=True)
class Visit:
    """What one household does in one step."""

    home: Household
    baskets: list[Basket] = field(default_factory=list)
    #: Campaigns that are mailed to it at the step's end.
    mailed: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Step:
    #: Where the clock stands while the step is played; what happened since the step before is played now.
    at_ms: int
    visits: list[Visit]


def schedule(journey: Journey, households: list[Household], from_ms: int) -> list[Step]:
    """Every step from the cut-off to the end of the year; the last ones may have no visits."""
    edges = _edges(from_ms, journey.last_ms)
    visits: list[dict[int, Visit]] = [{} for _ in edges]
    mail_step = {edge: place for place, edge in enumerate(edges)}
    for home in households:
        place = 0
        for basket in home.baskets:
            if basket.time_ms < from_ms:
                continue
            while edges[place] < basket.time_ms:
                place += 1
            visits[place].setdefault(home.id, Visit(home)).baskets.append(basket)
        for campaign in home.campaigns:
            mailed = mail_step.get(journey.campaigns[campaign].mailed_ms)
            if mailed is not None:
                visits[mailed].setdefault(home.id, Visit(home)).mailed.append(campaign)
    return [Step(edge, list(found.values())) for edge, found in zip(edges, visits, strict=True)]


def _edges(from_ms: int, until_ms: int) -> list[int]:
    day = local_day(from_ms)
    edges: list[int] = []
    while not edges or edges[-1] < until_ms:
        edges += [edge for hour in STEP_HOURS if (edge := local_ms(day, hour)) > from_ms]
        day += timedelta(days=1)
    return edges
