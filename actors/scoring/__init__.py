"""Scoring behind one interface: what a shard asks, the scorer in its own process, the one elsewhere, and what answers
there. Shards and the ``Scorer`` replica call it."""
