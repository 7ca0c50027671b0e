"""Inside a shard: the turn loop, what is in memory, checkpoints, reads, and its neighbours."""
