"""What a shard tells of itself: which incarnation it is, where that runs, and how far it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

import ray

from actors.shard.parts import ShardParts
from actors.shard.settings import ShardSettings
from actors.shard.succession import Succession

SERVING: Final = "serving"
RELEASED: Final = "released"
#: It serves, but has adopted no policy: it decides nothing.
NO_CATALOG: Final = "no_catalog"


def before_owning(settings: ShardSettings, succession: Succession) -> dict[str, Any]:
    """Of one that replays or follows: "starting" or "standby", and how many rows it was behind at its last look."""
    return {
        **_who(settings), "state": succession.state, "seq": succession.seq, "behind": succession.behind, "epoch": 0,
    }


def as_owner(parts: ShardParts, is_serving: bool, more: Mapping[str, Any]) -> dict[str, Any]:
    """Of one that owns its journal. ``more``: what its pieces tell of themselves."""
    state = parts.core.state
    serving = SERVING if state.plan is not None else NO_CATALOG
    return {
        **_who(parts.settings), "state": serving if is_serving else RELEASED,
        "epoch": parts.store.journal.epoch, "seq": state.seq, "now_ms": parts.now_ms(),
        "customers_resident": parts.residency.living,
        "customers_passivated": max(0, state.customers - parts.residency.living), "customers_hot": parts.residency.hot,
        "resident_bytes": parts.residency.bytes, "checkpoint_age_s": round(parts.counters.checkpoint_age_s, 3),
        "catalog_version": state.catalog_version,
        "evidence_version": state.evidence.version, "scorer_version": state.active_scorer,
        **more, **parts.counters.view(),
    }


def _who(settings: ShardSettings) -> dict[str, Any]:
    node_id = ray.get_runtime_context().get_node_id() if ray.is_initialized() else ""
    return {"shard": settings.shard, "incarnation": settings.incarnation, "node_id": node_id, "pid": os.getpid()}
