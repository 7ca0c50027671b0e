"""The nodes of the Ray cluster that this process has joined: which live, which leave, which is the head.

``get_draining_nodes`` is private to Ray (Serve polls it too); no callback tells of a drain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import ray
from ray._private.state import state as global_state

from actors.access.oidc.settings import is_loopback
from cluster.supervision.placement import Node
from models.errors import KairosError

_HEAD: Final = "node:__internal_head__"


@dataclass(frozen=True, slots=True)
class LiveNode:
    #: 56 hexadecimal digits, Ray's.
    id: str
    #: What `ray start --node-name` said, else its address.
    name: str
    address: str
    head: bool
    #: What `ray start --num-cpus` said. 0 is Ray's way of saying that a node (often the head) shall not do the work.
    cpus: float
    draining: bool
    #: Unix; 0 when the drain has none.
    deadline_ms: int

    def to_place(self) -> Node:
        return Node(self.id, self.draining, self.deadline_ms, capacity=1 if self.cpus > 0 else 0)


def live_nodes() -> list[LiveNode]:
    """Of the cluster that this process has joined, the head first, then by id."""
    draining = global_state.get_draining_nodes()
    found = [_live(node, draining) for node in ray.nodes() if node["Alive"]]
    return sorted(found, key=lambda node: (not node.head, node.id))


def own_node_id() -> str:
    node: str = ray.get_runtime_context().get_node_id()
    return node


def refuse_many_nodes_on_sqlite(shards_may_move: bool, nodes: list[LiveNode]) -> None:
    """Raises ``KairosError`` when journals are files of one node, and there are several."""
    if shards_may_move or len(nodes) < 2:
        return
    raise KairosError(
        f"this Ray cluster has {len(nodes)} nodes, but the journals of --store sqlite are files of one of them: no "
        "shard could start on another when that one is lost. Say --store postgresql://USER@HOST/DATABASE, or use one "
        "node"
    )


def refuse_loopback_on_many_machines(host: str, nodes: list[LiveNode]) -> None:
    """Raises ``KairosError`` when gateways would listen where HAProxy of another machine does not reach them."""
    machines = {node.address for node in nodes}
    if len(machines) > 1 and is_loopback(host):
        raise KairosError(
            f"the cluster has {len(machines)} machines, and with --host {host} each gateway is reached from its own "
            "machine only; say --host 0.0.0.0 (whoever comes needs a key)"
        )


def _live(node: dict[str, Any], draining: dict[str, int]) -> LiveNode:
    resources = node.get("Resources", {})
    id_, address = node["NodeID"], node["NodeManagerAddress"]
    return LiveNode(
        id_, node.get("NodeName") or address, address, _HEAD in resources, float(resources.get("CPU", 0.0)),
        id_ in draining, draining.get(id_, 0),
    )
