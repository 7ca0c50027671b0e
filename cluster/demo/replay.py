"""The rest of the year again, through the public API: the clock steps, households visit, history answers.

What history did is confirmed: an offer that was really sent, or of which the household really held the coupons,
counts as delivered or shown. What it did not do is reported as ``not_shown``, since nobody can know what would have
come of it. Steps are played one after the other; within a step households are independent and in flight together, each
in its own order.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from cluster.demo.baskets import Basket
from cluster.demo.catalog import CHANNEL_MAIL, CHANNEL_TILL, MAIL_PLACEMENTS, TILL_PLACEMENTS
from cluster.demo.journey import Campaign, Household, Journey
from cluster.demo.schedule import Step, Visit
from cluster.demo.tally import Mailing, Tally, chosen_actions, propensity_of
from cluster.http_client import HttpClient
from models import limits
from models.times import format_time

IN_FLIGHT: Final = 32
_DEADLINE_MS: Final = 2_000
#: Every so many checkouts one asks for its explanation; every mailing does.
_EXPLAIN_EVERY: Final = 20


class Replay:
    def __init__(
        self, client: HttpClient, journey: Journey, on_decision: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._journey = journey
        self._by_action = {one.action: one for one in journey.campaigns.values()}
        self._on_decision = on_decision
        self._gate = asyncio.Semaphore(IN_FLIGHT)
        self._checkouts = 0
        #: (household, campaign) -> when the first offer of it was confirmed.
        self._contacted: dict[tuple[int, int], int] = {}
        self._reported: set[tuple[int, int]] = set()
        self.tally: Final = Tally()

    async def play(self, steps: Iterable[Step]) -> Tally:
        """Play every step; raises ``CallFailedError`` when the server stays away for longer than the client waits."""
        for step in steps:
            await self._set_clock(step.at_ms)
            if step.visits:
                await self._play_step(step)
        return self.tally

    async def _play_step(self, step: Step) -> None:
        outcomes = [outcome for visit in step.visits for outcome in self._redemptions(visit)]
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            visits = [group.create_task(self._visit(visit, step.at_ms)) for visit in step.visits]
        self.tally.deciding_s += time.perf_counter() - begun
        for visit_outcomes in visits:
            outcomes += visit_outcomes.result()
        await self._report(outcomes)

    async def _set_clock(self, at_ms: int) -> None:
        begun = time.perf_counter()
        await self._client.call("PUT", "/v1/clock", {"time": format_time(at_ms)})
        self.tally.clock_s += time.perf_counter() - begun

    async def _visit(self, visit: Visit, at_ms: int) -> list[dict[str, Any]]:
        """A household's checkouts, then its mailing; returns the outcomes to report."""
        async with self._gate:
            outcomes: list[dict[str, Any]] = []
            for basket in visit.baskets:
                outcomes += await self._checkout(visit.home, basket, at_ms)
            if visit.mailed:
                outcomes += await self._mail(visit.home, visit.mailed, at_ms)
            return outcomes

    async def _checkout(self, home: Household, basket: Basket, at_ms: int) -> list[dict[str, Any]]:
        self._checkouts += 1
        event = basket.event()
        body = await self._decide({
            "request_id": f"checkout-{basket.id}", "customer_id": home.customer_id, "channel": CHANNEL_TILL,
            "placements": list(TILL_PLACEMENTS), "event": event, "deadline_ms": _DEADLINE_MS,
            "explain": self._checkouts % _EXPLAIN_EVERY == 0,
        })
        self.tally.acknowledged.add(event["event_id"])
        held = {one for one in home.campaigns if self._journey.campaigns[one].mailed_ms < at_ms}
        return self._answers(body, home, held, "impression", at_ms)

    async def _mail(self, home: Household, mailed: list[int], at_ms: int) -> list[dict[str, Any]]:
        body = await self._decide({
            "request_id": f"mail-{home.id}-{at_ms}", "customer_id": home.customer_id, "channel": CHANNEL_MAIL,
            "placements": list(MAIL_PLACEMENTS), "deadline_ms": _DEADLINE_MS, "explain": True,
        })
        chosen = chosen_actions(body)
        for id_ in mailed:
            action = self._journey.campaigns[id_].action
            self.tally.mailings.append(Mailing(
                home.id, id_, id_ in home.redeemed_ms, action in chosen, propensity_of(body, action),
            ))
        return self._answers(body, home, set(mailed), "delivery", at_ms)

    async def _decide(self, request: dict[str, Any]) -> dict[str, Any]:
        begun = time.perf_counter()
        body: dict[str, Any] = await self._client.call("POST", "/v1/decisions", request)
        self.tally.note_decision(body, time.perf_counter() - begun)
        self._on_decision()
        return body

    def _answers(
        self, body: dict[str, Any], home: Household, by_history: set[int], shown: str, at_ms: int
    ) -> list[dict[str, Any]]:
        """History's answer to each item of a decision."""
        found = []
        for action in chosen_actions(body):
            campaign = self._by_action[action]
            matched = campaign.id in by_history
            if matched:
                self._contacted.setdefault((home.id, campaign.id), at_ms)
            found.append({
                "outcome_id": f"{body['decision_id']}:{action}", "decision_id": body["decision_id"], "action": action,
                "type": shown if matched else "not_shown", "time": format_time(at_ms),
            })
        return found

    def _redemptions(self, visit: Visit) -> list[dict[str, Any]]:
        """Real redemptions since the last step, of campaigns that an earlier decision had offered. A till names the
        customer and the action; it knows no decision."""
        found = []
        bought = {basket.time_ms for basket in visit.baskets}
        for id_, at_ms in visit.home.redeemed_ms.items():
            pair = (visit.home.id, id_)
            if at_ms in bought and self._contacted.get(pair, at_ms + 1) <= at_ms and pair not in self._reported:
                self._reported.add(pair)
                found.append(self._accept(visit.home, self._journey.campaigns[id_], at_ms))
        return found

    def _accept(self, home: Household, campaign: Campaign, at_ms: int) -> dict[str, Any]:
        return {
            "outcome_id": f"redeemed-{home.id}-{campaign.id}", "customer_id": home.customer_id,
            "action": campaign.action, "type": "accept", "time": format_time(at_ms),
        }

    async def _report(self, outcomes: list[dict[str, Any]]) -> None:
        begun = time.perf_counter()
        for start in range(0, len(outcomes), limits.OUTCOMES_PER_BATCH_MAX):
            batch = outcomes[start : start + limits.OUTCOMES_PER_BATCH_MAX]
            answer = await self._client.call("POST", "/v1/outcomes", {"outcomes": batch})
            for outcome, result in zip(batch, answer["results"], strict=True):
                self.tally.note_outcome(outcome["type"], result)
        self.tally.reporting_s += time.perf_counter() - begun
