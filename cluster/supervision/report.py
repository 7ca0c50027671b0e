"""What `kairos nodes` shows: the live nodes, and what of the installation is where."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any, Final

import ray
from ray.exceptions import RayError
from ray.serve._private.constants import SERVE_NAMESPACE
from ray.util import list_named_actors

from actors import naming
from cluster.actors_of import place_of
from cluster.supervision.actor import find_supervisor
from cluster.supervision.nodes import live_nodes

_WAIT_S: Final = 10.0
_GATEWAY: Final = f"SERVE_REPLICA::{naming.GATEWAY_APP}#{naming.GATEWAY_DEPLOYMENT}#"


def report() -> dict[str, Any]:
    """The supervisor's view where one answers, else the bare nodes; with how many gateways each node has, which Serve
    moves in its own time. The caller has joined the cluster."""
    found = _supervised()
    gateways = _gateways()
    return {**found, "nodes": [{**node, "gateways": gateways[node["id"]]} for node in found["nodes"]]}


def _supervised() -> dict[str, Any]:
    supervisor = find_supervisor()
    if supervisor is not None:
        try:
            view: dict[str, Any] = ray.get(supervisor.view.remote(), timeout=_WAIT_S)
        except (RayError, TimeoutError):
            view = {}
        if view:
            return {"supervised": True, **view}
    bare = [{**asdict(node), "shards": [], "coordinator": False} for node in live_nodes()]
    return {"supervised": False, "nodes": bare}


def _gateways() -> Counter[str]:
    """Node -> the gateways that live there."""
    found: Counter[str] = Counter()
    for one in list_named_actors(all_namespaces=True):
        if one["namespace"] == SERVE_NAMESPACE and one["name"].startswith(_GATEWAY):
            try:
                node, lives = place_of(ray.get_actor(one["name"], namespace=SERVE_NAMESPACE))
            except ValueError:  # it ended just now
                continue
            found[node] += lives
    return found
