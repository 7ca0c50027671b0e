"""Names the detached actors of an installation into being, or finds the live ones again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ray

from actors import naming
from actors.coordinator import Coordinator
from actors.profile_shard import ProfileShard
from cluster.installation import Installation
from cluster.settings import Settings
from models.times import parse_time_ms

#: A shard or coordinator comes back for ever, but a call to it is never repeated by Ray: the caller decides.
_OPTIONS: dict[str, Any] = {
    "namespace": naming.NAMESPACE, "lifetime": "detached", "max_restarts": -1, "max_task_retries": 0, "num_cpus": 0,
    "get_if_exists": True,
}


def actor_settings(settings: Settings, installation: Installation) -> dict[str, Any]:
    """Plain values that every actor is constructed from (they cross process borders)."""
    mode, _, begin = settings.clock.partition(":")
    return {
        "data_dir": str(settings.data_dir.resolve()), "shards": installation.shards, "clock": mode,
        "clock_ms": parse_time_ms(begin) if begin else 0, "log_level": settings.log_level,
    }


class Actors:
    """The coordinator and the shards by name. ``ensure`` is idempotent, so the supervisor calls it again and again."""

    def __init__(self, settings: Settings, installation: Installation) -> None:
        self._plain = actor_settings(settings, installation)
        self._bounds = {"resident_bytes": settings.resident_bytes, "retention_ms": settings.retention_ms}
        self._shards = installation.shards

    def names(self) -> list[str]:
        return [naming.COORDINATOR, *(naming.shard_name(shard) for shard in range(self._shards))]

    def ensure(self) -> dict[str, Any]:
        """A handle for each name; makes what does not exist (any more)."""
        handles = {naming.COORDINATOR: self._make(naming.COORDINATOR, Coordinator, self._plain)}
        for shard in range(self._shards):
            name = naming.shard_name(shard)
            handles[name] = self._make(name, ProfileShard, {**self._plain, **self._bounds, "shard": shard})
        return handles

    @staticmethod
    def _make(name: str, kind: Callable[..., Any], plain: dict[str, Any]) -> Any:
        return ray.remote(kind).options(name=name, **_OPTIONS).remote(plain)
