"""The shard's state machine: a batch of commands in, facts and replies out. Called by the ``ProfileShard`` actor."""
