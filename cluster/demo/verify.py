"""After the replay: are the promises kept? Read back through the API, counted by ``cluster.demo.recount``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cluster.client import AsyncKairos
from cluster.demo.journey import Household
from cluster.demo.recount import Recount, Recounter

_IN_FLIGHT: Final = 8


@dataclass(frozen=True, slots=True)
class Verdict:
    """Every count here must be 0 but ``contacts`` and ``events``."""

    contacts: int
    #: Event ids found in timelines.
    events: int
    #: Contact policy -> how often it was exceeded.
    caps_exceeded: dict[str, int] = field(default_factory=dict)
    #: Budget -> units over its cap.
    overspent: dict[str, int] = field(default_factory=dict)
    #: Acknowledged events that no timeline shows.
    missing: int = 0

    @property
    def is_clean(self) -> bool:
        return not self.caps_exceeded and not self.overspent and not self.missing


async def verify(
    client: AsyncKairos, households: Iterable[Household], acknowledged: set[str], unfunded: int,
    on_customer: Callable[[], None] = lambda: None,
) -> Verdict:
    """Read catalog, budgets and every timeline. ``unfunded``: accepts of which the server said so."""
    catalog = (await client.catalog()).catalog
    recounter = Recounter(catalog)
    gate = asyncio.Semaphore(_IN_FLIGHT)

    async def read(home: Household) -> None:
        async with gate:
            recounter.add([item.data async for item in client.timeline(home.customer_id)])
        on_customer()

    async with asyncio.TaskGroup() as group:
        for home in households:
            group.create_task(read(home))
    budgets = [budget.data for budget in await client.budgets()]
    found = recounter.result
    return Verdict(
        found.contacts, len(found.events), {id_: count for id_, count in found.exceeded.items() if count},
        overspent(catalog, budgets, found, unfunded), len(acknowledged - found.events),
    )


def overspent(
    catalog: Mapping[str, Any], reported: Iterable[Mapping[str, Any]], found: Recount, unfunded: int
) -> dict[str, int]:
    """Units over a cap, by the server's own books and by the timelines; only what is over."""
    over = {one["id"]: max(0, one["spent"] + one["held"] - one["cap"]) for one in reported}
    caps = {one["id"]: one["cap"] for one in catalog["budgets"]}
    for (budget, _), units in found.spent_on_contact.items():
        over[budget] = max(over.get(budget, 0), units - caps[budget])
    accepted: dict[str, int] = {}
    on_accept = {one["id"] for one in catalog["budgets"] if one.get("spend_on", "accept") == "accept"}
    for action in catalog["actions"]:
        use = action.get("budget")
        if use and use["id"] in on_accept:
            accepted[use["id"]] = accepted.get(use["id"], 0) + use["units"] * found.accepted[action["id"]]
    for budget, units in accepted.items():
        # Accepts that found no free unit were answered ``funded: false``; they spend nothing.
        over[budget] = max(over.get(budget, 0), units - unfunded - caps[budget])
    return {id_: units for id_, units in over.items() if units > 0}
