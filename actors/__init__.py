"""Thin Ray shells that deliver: shards, coordinator, scorer, gateway and the journals. No business rule lives here."""
