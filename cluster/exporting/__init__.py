"""``kairos export``: decisions and outcomes as Parquet."""
