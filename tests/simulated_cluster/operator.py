"""The operator's part: a catalog that is published until it is there, with the scorers that it names; and, in some
seeds, roles of scorers that change while everything else fails."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from simulation.catalog import other_plan

from actors.coordination.service import CoordinatorService
from models.coordination.commands import (
    CanaryScorer,
    PromoteScorer,
    RetireScorer,
    RoleCommand,
    RollBackScorer,
    ShadowScorer,
)

if TYPE_CHECKING:
    from simulated_cluster.cluster import Cluster

#: Version -> its manifest: of acceptance, of the catalog's targets, and the one that its experiment names.
SCORERS: Final[dict[str, dict[str, Any]]] = {
    "named-1": {"features": ["score.eagerness"]},
    "one": {"features": ["profile.baskets", "channel.push", "action.value", "action.evidence"]},
    "two": {"features": ["profile.clicks", "action.value"], "actions": {"ten_off": 40, "gift": 4, "help": 1_000}},
    "eager-1": {"features": ["profile.baskets"], "target": "eagerness", "objective": "probability"},
    "channel-1": {"features": ["channel.push"], "target": "best_channel", "objective": "probability"},
}
_COMMANDS: Final[tuple[RoleCommand, ...]] = (
    PromoteScorer("one"), PromoteScorer("two"), CanaryScorer("one", 500_000), CanaryScorer("two", 400_000),
    CanaryScorer("one", 0), ShadowScorer("one"), ShadowScorer("two"), RetireScorer("one"), RollBackScorer(),
    PromoteScorer("eager-1"), PromoteScorer("channel-1"), RetireScorer("eager-1"),
)
Work = Callable[[CoordinatorService], Awaitable[Any]]


class Operator:
    def __init__(self, cluster: Cluster, seed: int) -> None:
        self._cluster = cluster
        #: Of its own, so that who else draws does not matter to it.
        self._rng = random.Random(f"operator of {seed}")
        #: Roles change in this seed.
        self.changes_roles = self._rng.random() < 0.04
        self.is_done = False
        cluster.world.within(lambda: cluster.world.create_task(self._run()))

    async def _run(self) -> None:
        await self._until_done(_published)
        if self.changes_roles:
            self._cluster.hub.note("roles change")
            for _ in range(self._rng.randint(3, 9)):
                await self._cluster.world.pause(self._rng.random() * 400)
                await self._until_done(partial(_changed, self._rng.choice(_COMMANDS)))
        self.is_done = True

    async def _until_done(self, work: Work) -> None:
        cluster = self._cluster
        while True:
            host = cluster.coordinators[-1]
            try:
                await cluster.network.call(cluster.world, host.process, partial(host.setting, work))
                return
            except Exception:
                await cluster.world.pause(300)


async def _published(service: CoordinatorService) -> None:
    for version, manifest in SCORERS.items():
        await service.register_scorer(version, manifest)
    answer = await service.publish_catalog(other_plan(), None)
    assert answer.status in (200, 202), answer


async def _changed(command: RoleCommand, service: CoordinatorService) -> None:
    """As the coordinator's method does: a refusal is an answer."""
    await service.change_roles(command)
