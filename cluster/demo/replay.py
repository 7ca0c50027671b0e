"""The rest of the year again, through the public API: the clock steps, households visit, history answers.

What history did is confirmed: an offer that was really sent, or of which the household really held the coupons,
counts as delivered or shown. What it did not do is reported as ``not_shown``, since nobody can know what would have
come of it. Steps are played one after the other; within a step households are independent and in flight together, each
in its own order.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from cluster.client import AsyncKairos, Decision, NestedEvent, Outcome, OutcomeType, PlacementAsked
from cluster.demo.baskets import Basket
from cluster.demo.catalog import CHANNEL_MAIL, CHANNEL_TILL, MAIL_PLACEMENTS, TILL_PLACEMENTS
from cluster.demo.journey import Campaign, Household, Journey
from cluster.demo.schedule import Step, Visit
from cluster.demo.tally import Mailing, Tally, chosen_actions, propensity_of
from models import limits
from models.times import format_time

IN_FLIGHT: Final = 32
_DEADLINE_MS: Final = 2_000
#: Every so many checkouts one asks for its explanation; every mailing does.
_EXPLAIN_EVERY: Final = 20


class Replay:
    def __init__(
        self, client: AsyncKairos, journey: Journey, on_decision: Callable[[], None] = lambda: None,
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
        """Play every step; raises ``ClientError`` when the server stays away for longer than the client waits."""
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
        await self._client.set_clock(format_time(at_ms))
        self.tally.clock_s += time.perf_counter() - begun

    async def _visit(self, visit: Visit, at_ms: int) -> list[Outcome]:
        """A household's checkouts, then its mailing; returns the outcomes to report."""
        async with self._gate:
            outcomes: list[Outcome] = []
            for basket in visit.baskets:
                outcomes += await self._checkout(visit.home, basket, at_ms)
            if visit.mailed:
                outcomes += await self._mail(visit.home, visit.mailed, at_ms)
            return outcomes

    async def _checkout(self, home: Household, basket: Basket, at_ms: int) -> list[Outcome]:
        self._checkouts += 1
        event = basket.event()
        decision = await self._decide(
            home, CHANNEL_TILL, TILL_PLACEMENTS, f"checkout-{basket.id}", event,
            explain=self._checkouts % _EXPLAIN_EVERY == 0,
        )
        self.tally.acknowledged.add(event["event_id"])
        held = {one for one in home.campaigns if self._journey.campaigns[one].mailed_ms < at_ms}
        return self._answers(decision, home, held, "impression", at_ms)

    async def _mail(self, home: Household, mailed: list[int], at_ms: int) -> list[Outcome]:
        decision = await self._decide(
            home, CHANNEL_MAIL, MAIL_PLACEMENTS, f"mail-{home.id}-{at_ms}", None, explain=True,
        )
        chosen = chosen_actions(decision)
        for id_ in mailed:
            action = self._journey.campaigns[id_].action
            self.tally.mailings.append(Mailing(
                home.id, id_, id_ in home.redeemed_ms, action in chosen, propensity_of(decision, action),
            ))
        return self._answers(decision, home, set(mailed), "delivery", at_ms)

    async def _decide(
        self, home: Household, channel: str, placements: Sequence[PlacementAsked], request_id: str,
        event: NestedEvent | None, *, explain: bool,
    ) -> Decision:
        begun = time.perf_counter()
        decision = await self._client.decide(
            home.customer_id, channel, placements, request_id=request_id, event=event, explain=explain,
            deadline_ms=_DEADLINE_MS,
        )
        self.tally.note_decision(decision, time.perf_counter() - begun)
        self._on_decision()
        return decision

    def _answers(
        self, decision: Decision, home: Household, by_history: set[int], shown: OutcomeType, at_ms: int
    ) -> list[Outcome]:
        """History's answer to each item of a decision."""
        found: list[Outcome] = []
        decision_id = decision.decision_id or ""
        for action in chosen_actions(decision):
            campaign = self._by_action[action]
            matched = campaign.id in by_history
            if matched:
                self._contacted.setdefault((home.id, campaign.id), at_ms)
            found.append({
                "outcome_id": f"{decision_id}:{action}", "decision_id": decision_id, "action": action,
                "type": shown if matched else "not_shown", "time": format_time(at_ms),
            })
        return found

    def _redemptions(self, visit: Visit) -> list[Outcome]:
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

    def _accept(self, home: Household, campaign: Campaign, at_ms: int) -> Outcome:
        return {
            "outcome_id": f"redeemed-{home.id}-{campaign.id}", "customer_id": home.customer_id,
            "action": campaign.action, "type": "accept", "time": format_time(at_ms),
        }

    async def _report(self, outcomes: list[Outcome]) -> None:
        begun = time.perf_counter()
        for start in range(0, len(outcomes), limits.OUTCOMES_PER_BATCH_MAX):
            batch = outcomes[start : start + limits.OUTCOMES_PER_BATCH_MAX]
            results = await self._client.send_outcomes(batch)
            for outcome, result in zip(batch, results, strict=True):
                self.tally.note_outcome(outcome["type"], result)
        self.tally.reporting_s += time.perf_counter() - begun
