"""Where a shard stands that is started once more from what the store holds, by the product's own recovery."""

from __future__ import annotations

from typing import Any

from actors.shard.clock import DecisionClock
from actors.shard.following import recover
from actors.shard.parts import ShardParts
from actors.shard.settings import ShardSettings
from simulated_cluster.cluster import OUTSIDE, Cluster


def recovered(cluster: Cluster, shard: int) -> Any:
    from simulated_cluster.world import image

    process = cluster.process("the checker", OUTSIDE)
    plain = {"shard": shard, "shards": cluster.shards, "data_dir": "", "incarnation": 1 << 20}
    settings = ShardSettings.from_plain(plain)
    parts = ShardParts(settings, cluster.store(process).shard_store(shard), DecisionClock(settings))
    recover(parts, "the checker")
    return image(parts)
