"""Talking to the coordinator, off every decision's path: a report up, instructions down, adopted between two turns.

A coordinator that is gone costs nothing but news: the shard decides on what it has and asks again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import NoReturn

import structlog

from actors.shard.parts import ShardParts
from actors.shard.scorer_client import ScorerClient
from actors.shard.turn_loop import TurnLoop
from actors.shard.turning import TurnRunner
from models import limits
from models.budgets.escrow import wanted_periods
from models.canonical import pack, unpack
from models.catalog.check import compile_catalog
from models.coordination.messages import Instructions
from models.errors import DiskFull
from models.scoring.roles import Roles
from models.turn.shard_facts import CatalogAdopted, Returned, ShardFact

log = structlog.get_logger(__name__)

#: ``Coordinator.sync``: packed ``Report`` wire -> packed ``Instructions`` wire. May raise anything.
CallCoordinator = Callable[[bytes], Awaitable[bytes]]


class Sync:
    def __init__(
        self, parts: ShardParts, runner: TurnRunner, loop: TurnLoop, call: CallCoordinator,
        die: Callable[[str], NoReturn], scorer: ScorerClient,
    ) -> None:
        self._parts = parts
        self._runner = runner
        self._loop = loop
        self._call = call
        self._die = die
        self._scorer = scorer
        self._number = 0
        self._poked = asyncio.Event()
        #: Whether the last report was answered.
        self.is_in_touch = False
        #: The number of roles whose scorers are being loaded, and the task that says which of them cannot be.
        self._loading: tuple[int, asyncio.Task[list[str]]] | None = None
        #: The catalog under which the last report was answered, with the grants that it asked for.
        self._confirmed: str | None = None

    @property
    def is_ready(self) -> bool:
        """A catalog is adopted, and the first grants of its budgets are here (or the coordinator had none to give)."""
        state = self._parts.core.state
        if state.plan is None:
            return False
        granted = {(position.budget, position.period) for position in state.escrow.positions()}
        asked = wanted_periods(state.plan, self._parts.now_ms())
        return self._confirmed == state.catalog_version or all(
            (budget, period) in granted for budget, period, has_begun in asked if has_begun
        )

    def poke(self) -> None:
        """Report at once."""
        self._poked.set()

    async def run(self) -> None:
        """The background task."""
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(limits.SYNC_INTERVAL_MS / 1_000):
                        await self._poked.wait()
                self._poked.clear()
                await self.once()
                await asyncio.sleep(limits.SYNC_GAP_MS / 1_000)
        finally:
            if self._loading is not None:
                self._loading[1].cancel()

    async def once(self) -> None:
        """One report; what it brings is adopted when this returns."""
        self._number += 1
        number = self._number

        async def make_report() -> bytes:
            parts = self._parts
            return pack(parts.core.report(parts.store.journal.epoch, number, parts.now_ms()).to_wire())

        report = await self._loop.at_boundary(make_report)
        try:
            async with asyncio.timeout(limits.SYNC_WAIT_MS_MAX / 1_000):
                answer = await self._call(report)
            instructions = Instructions.from_wire(unpack(answer))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            if self.is_in_touch:
                log.warning("the coordinator does not answer", error=type(error).__name__)
            self.is_in_touch = False
            return
        self.is_in_touch = True
        self._parts.counters.synced()
        version = self._parts.core.state.catalog_version
        await self.follow(instructions)
        self._confirmed = version if version == self._parts.core.state.catalog_version else None

    async def follow(self, instructions: Instructions) -> None:
        """Adopt instructions at the next turn boundary, as one durable row."""
        if instructions.refused:
            self._die(f"the coordinator refuses this shard: {instructions.refused}")
        if not await self._can_score(instructions.roles):
            instructions = replace(instructions, roles=None)

        async def adopt() -> bool:
            facts = self._parts.core.instruct(instructions, self._parts.now_ms())
            if not _is_sound(facts):
                return False
            if facts:
                await self._runner.adopt(facts)
            return any(isinstance(fact, Returned | CatalogAdopted) for fact in facts)

        try:
            has_more_to_say = await self._loop.at_boundary(adopt)
        except DiskFull:
            log.error("no space to adopt the coordinator's instructions; they will come again")
            return
        if has_more_to_say:
            self.poke()

    async def _can_score(self, roles: Roles | None) -> bool:
        """Have what is new in these roles loaded, so that adopting them costs no decision its scores. False: one that
        would decide cannot score here, or loading takes longer than a report may wait; the roles stay as they are, and
        the next report asks for the new ones again."""
        known = self._parts.core.state.roles
        if roles is None or roles.number <= known.number:
            return True
        if self._loading is None or self._loading[0] != roles.number:
            if self._loading is not None:
                self._loading[1].cancel()
            fresh = [version for version in roles.versions if version not in known.versions]
            widths = [(version, len(roles.manifests[version].get("features", ()))) for version in fresh]
            wanted = [one for one in widths if one[1]]
            self._loading = roles.number, asyncio.get_running_loop().create_task(self._scorer.warm(wanted))
        begun = self._loading
        loading = begun[1]
        await asyncio.wait({loading}, timeout=limits.SYNC_INTERVAL_MS / 1_000)
        if not loading.done() or loading.cancelled():  # the latter for newer roles, that came over another call
            return False
        if self._loading is begun:
            self._loading = None
        failed = loading.result()
        deciding = {roles.champion, roles.canary, *roles.named}
        if deciding.isdisjoint(failed):
            return True
        log.error("roles are not adopted: a scorer cannot be asked", versions=failed)
        return False


def _is_sound(facts: list[ShardFact]) -> bool:
    """A catalog that does not compile here as it did elsewhere must never be logged: no restart could replay it."""
    try:
        return all(compile_catalog(f.catalog).version == f.version for f in facts if isinstance(f, CatalogAdopted))
    except Exception as error:
        log.error("a catalog does not compile; it is not adopted", error=type(error).__name__, exc_info=True)
        return False
