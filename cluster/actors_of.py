"""Names the detached actors of an installation into being, or finds the live ones again."""

from __future__ import annotations

from typing import Any

import ray

from actors import naming
from actors.coordinator import Coordinator
from actors.profile_shard import ProfileShard
from actors.stores.interface import Installation
from cluster.settings import Settings
from cluster.store_of import plain_store
from models.times import parse_time_ms

#: A shard or coordinator comes back for ever, but a call to it is never repeated by Ray: the caller decides.
_OPTIONS: dict[str, Any] = {
    "namespace": naming.NAMESPACE, "lifetime": "detached", "max_restarts": -1, "max_task_retries": 0, "num_cpus": 0,
    "get_if_exists": True,
}


def actor_settings(settings: Settings, installation: Installation) -> dict[str, Any]:
    """Plain values that every actor is constructed from (they cross process borders): nothing secret."""
    mode, _, begin = settings.clock.partition(":")
    return {
        **plain_store(settings), "shards": installation.shards, "clock": mode,
        "clock_ms": parse_time_ms(begin) if begin else 0, "log_level": settings.log_level, "scorer": settings.scorer,
        "link_host": "127.0.0.1" if settings.address is None else "",
    }


class Actors:
    """The coordinator and the shards by name. ``ensure`` is cheap and idempotent: the supervisor calls it for ever."""

    def __init__(self, settings: Settings, installation: Installation) -> None:
        plain = actor_settings(settings, installation)
        bounds = {"resident_bytes": settings.resident_bytes, "retention_ms": settings.retention_ms}
        # Each ``ray.remote`` of a class is exported to the cluster and kept there: once, not at every look.
        coordinator, shard = ray.remote(Coordinator), ray.remote(ProfileShard)
        self._recipes: dict[str, tuple[Any, dict[str, Any]]] = {naming.COORDINATOR: (coordinator, plain)}
        for number in range(installation.shards):
            self._recipes[naming.shard_name(number)] = (shard, {**plain, **bounds, "shard": number})

    def ensure(self) -> dict[str, Any]:
        """A handle for each name; makes what does not exist (any more)."""
        return {name: self._find(name) or self._make(name) for name in self._recipes}

    @staticmethod
    def _find(name: str) -> Any:
        try:
            return ray.get_actor(name, namespace=naming.NAMESPACE)
        except ValueError:
            return None

    def _make(self, name: str) -> Any:
        kind, plain = self._recipes[name]
        return kind.options(name=name, **_OPTIONS).remote(plain)
