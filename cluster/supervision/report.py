"""What `kairos nodes` shows: the live nodes, and what of the installation is where."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import ray
from ray.exceptions import RayError

from cluster.supervision.actor import find_supervisor
from cluster.supervision.nodes import live_nodes

_WAIT_S = 10.0


def report() -> dict[str, Any]:
    """The supervisor's view where one answers, else the bare nodes. The caller has joined the cluster."""
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
