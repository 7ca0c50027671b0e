"""Insight: it reads the shards' journals, counts, keeps the counts in a journal of its own, and tells them."""
