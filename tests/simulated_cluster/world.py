"""One seed: a cluster under load and faults, then healed, brought to rest, and judged."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulation.catalog import CUSTOMERS
from simulation.shard import key_of

from models import canonical, limits
from models.profile import packing
from simulated_cluster import checks
from simulated_cluster.clients import Answered, Client
from simulated_cluster.cluster import EMBEDDED, SHARED, Cluster
from simulated_cluster.faults import Faults
from simulated_cluster.hub import Hub, NotQuietError
from simulated_cluster.installation import keys_of
from simulated_cluster.operator import Operator
from simulated_cluster.recovered import recovered
from simulated_cluster.supervision import SupervisorHost
from simulated_cluster.surroundings import surroundings

#: How long faults strike, and how long a healed world may take to answer everybody and to come to rest.
STORM_MS = 1_800.0
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
        self.operator = Operator(self.cluster, hub.seed)
        clients = hub.rng.randint(2, 3)
        self.clients = [Client(self.cluster, number, hub.rng.randint(3, 4), self.history) for number in range(clients)]
        self.supervisor = SupervisorHost(self.cluster)
        self.faults = Faults(self.cluster, self.supervisor)

    def run(self) -> None:
        hub = self.hub
        hub.run(self._is_surprised, STORM_MS)
        self.faults.heal()
        if not hub.run(self._all_answered, hub.now + ANSWERED_MS_MAX):
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

    def _is_surprised(self) -> bool:
        """A process ended that had no reason to."""
        if self.cluster.surprises:
            raise AssertionError(self.cluster.surprises[0])
        return False

    def _all_answered(self) -> bool:
        return self._is_surprised() or (self.operator.is_done and all(client.is_done for client in self.clients))

    def _is_at_rest(self) -> bool:
        self._is_surprised()
        if self.hub.steps % 16:  # a look costs more than an event
            return False
        return all(self._holds_nothing(shard) for shard in range(self.cluster.shards))

    def _holds_nothing(self, shard: int) -> bool:
        host = self.cluster.serving(shard)
        if host is None:
            return False
        core = host.actor._parts.core
        state = core.state
        if any(position.held for position in state.escrow.positions()):
            return False
        if core._experiments_mark < state.experiments.mark:  # the coordinator does not know all yet
            return False
        return bool(state.seq == self.cluster.keeper.tables(f"shard-{shard}").last_seq)

    def _judge(self) -> None:
        keeper, shared = self.cluster.keeper, self.cluster.kind == SHARED
        live = {shard: self._image(shard) for shard in range(self.cluster.shards)}
        for process in [process for host in self.cluster.hosts for process in host.processes]:
            process.kill("the end")
        granted = checks.check_coordinator(keeper.tables("coordinator"))
        counted = checks.counted_by(keeper.tables("coordinator"))
        effects: checks.Effects = {}
        for shard in range(self.cluster.shards):
            tables, keys = keeper.tables(f"shard-{shard}"), keeper.tables(keys_of(f"shard-{shard}", shared))
            checks.check_lineage(tables)
            rows = checks.rows_of(tables, keys)
            checks.check_shard(rows)
            checks.check_grants(shard, rows, granted)
            checks.check_experiments(shard, rows, counted)
            if self.operator.changes_roles:
                checks.check_reexecution(shard, rows)
            effects |= checks.effects_of(rows)
            newest = tables.every_row()[-1].payload.hex() if rows else ""
            self.hub.tell("log", shard=shard, rows=len(rows), newest=newest)
            again = recovered(self.cluster, shard)
            assert again == live[shard], f"shard {shard} stands elsewhere: {_difference(live[shard], again)}"
        checks.check_effects(effects)
        erased = {customer for customer, kind, _ in effects if kind == "erase"}
        checks.check_answers(self.history, effects, erased)
        checks.check_versions(self.history, erased)

    def _image(self, shard: int) -> Any:
        host = self.cluster.serving(shard)
        assert host is not None
        return image(host.actor._parts)


def _difference(one: Any, other: Any) -> str:
    """What differs, for people."""
    first, second = one[0], other[0]
    names = [name for name in first if first[name] != second[name]]
    told = [f"{name}: {first[name]} / {second[name]}"[:200] for name in names]
    return "; ".join([*told, *(c for c in one[1].keys() | other[1].keys() if one[1].get(c) != other[1].get(c))])


def image(parts: Any) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A shard's state, and its customers, those in memory and those in the store, as bytes."""
    customers = [key_of(name) for name in CUSTOMERS]
    parts.core.report(0, 0, parts.now_ms())  # lets go of periods that ended, which no row tells
    for stored in parts.store.load(parts.residency.missing(customers)).profiles.values():
        parts.residency.admit(stored)
    profiles = {customer.hex(): packing.pack(p) for customer, p in parts.residency.take(customers).items() if p}
    state = canonical.unpack(parts.core.pack_state())
    state["escrow"] = sorted(position.to_wire() for position in parts.core.state.escrow.positions())
    return state, profiles
