"""One seed: a cluster under load and faults, then healed, brought to rest, and judged."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulation.catalog import plan

from models import limits
from models.profile import packing
from simulated_cluster import checks
from simulated_cluster.clients import Answered, Client
from simulated_cluster.cluster import EMBEDDED, SHARED, Cluster
from simulated_cluster.faults import Faults
from simulated_cluster.hub import Hub, NotQuietError
from simulated_cluster.installation import keys_of
from simulated_cluster.recovered import recovered
from simulated_cluster.supervision import SupervisorHost
from simulated_cluster.surroundings import surroundings

#: How long faults strike, and how long a healed world may take to answer everybody and to come to rest.
STORM_MS = 4_000.0
ANSWERED_MS_MAX = 90_000.0
REST_MS_MAX = 60_000.0


@dataclass
class Story:
    """What a seed told: ``hash`` is the same whenever it is told again; ``error`` "" when every promise held."""

    seed: int
    hash: str
    seen: dict[str, int] = field(default_factory=dict)
    error: str = ""
    detail: str = ""
    steps: int = 0


def tell(seed: int, trace: Callable[[str], None] | None = None) -> Story:
    """Run a seed from its first to its last event."""
    hub = Hub(seed, trace)
    error = detail = ""
    with surroundings(hub, seed):
        try:
            World(hub).run()
        except Exception as raised:
            error, detail = f"{type(raised).__name__}: {raised}"[:500], traceback.format_exc()
            hub.tell("failed", error=error)
        return Story(seed, hub.story, dict(hub.seen), error, detail, hub.steps)


class World:
    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.history: list[Answered] = []
        self.cluster = Cluster(hub, EMBEDDED if hub.rng.random() < 0.3 else SHARED)
        hub.note(self.cluster.kind)
        self._publish()
        clients = hub.rng.randint(2, 3)
        self.clients = [Client(self.cluster, number, hub.rng.randint(4, 7), self.history) for number in range(clients)]
        self.supervisor = SupervisorHost(self.cluster)
        self.faults = Faults(self.cluster, self.supervisor)

    def _publish(self) -> None:
        """The operator's part: a catalog, published until it is there."""
        cluster = self.cluster

        async def publish() -> None:
            while True:
                host = cluster.coordinators[-1]
                try:
                    await cluster.network.call(
                        cluster.world, host.process, lambda: host.setting(lambda s: s.publish_catalog(plan(), None))
                    )
                    return
                except Exception:
                    await cluster.world.pause(300)

        cluster.world.within(lambda: cluster.world.create_task(publish()))

    def run(self) -> None:
        hub = self.hub
        hub.run(lambda: False, STORM_MS)
        self.faults.heal()
        if not hub.run(lambda: all(client.is_done for client in self.clients), hub.now + ANSWERED_MS_MAX):
            raise NotQuietError("a client was never answered")
        self._come_to_rest()
        self._judge()

    def _come_to_rest(self) -> None:
        """A day passes: whatever is held must come back."""
        hub = self.hub
        hub.jumped_ms += limits.DAY_MS
        hub.tell("a day passes")
        if not hub.run(self._is_at_rest, hub.now + REST_MS_MAX):
            raise NotQuietError("units are still held by nobody")

    def _is_at_rest(self) -> bool:
        return all(self._holds_nothing(shard) for shard in range(self.cluster.shards))

    def _holds_nothing(self, shard: int) -> bool:
        host = self.cluster.newest(shard)
        if host is None or not host.process.is_alive or not host.actor._is_serving:
            return False
        return all(position.held == 0 for position in host.actor._parts.core.state.escrow.positions())

    def _judge(self) -> None:
        keeper = self.cluster.keeper
        live = {shard: self._image(self.cluster.newest(shard)) for shard in range(self.cluster.shards)}
        for process in [process for host in self.cluster.hosts for process in host.processes]:
            process.kill("the end")
        assert not self.cluster.surprises, self.cluster.surprises
        granted = checks.check_coordinator(keeper.tables("coordinator"))
        effects: checks.Effects = {}
        for shard in range(self.cluster.shards):
            tables, keys = keeper.tables(f"shard-{shard}"), keeper.tables(keys_of(f"shard-{shard}"))
            checks.check_lineage(tables)
            rows = checks.rows_of(tables, keys)
            checks.check_shard(rows)
            checks.check_grants(shard, rows, granted)
            effects |= checks.effects_of(rows)
            self.hub.tell("log", shard=shard, rows=len(rows), newest=tables.every_row()[-1].payload.hex() if rows else "")
            assert recovered(self.cluster, shard) == live[shard], f"shard {shard} does not stand where it stood"
        checks.check_effects(effects)
        erased = {customer for customer, kind, _ in effects if kind == "erase"}
        checks.check_answers(self.history, effects, erased)
        checks.check_versions(self.history, erased)

    def _image(self, host: Any) -> Any:
        return image(host.actor._parts)


def image(parts: Any) -> tuple[bytes, dict[str, bytes]]:
    """A shard's state and its customers as bytes."""
    profiles = {}
    for customer in list(parts.residency._entries):
        profile = parts.residency.take([customer])[customer]
        if profile is not None:
            profiles[customer.hex()] = packing.pack(profile)
    return parts.core.pack_state(), profiles
