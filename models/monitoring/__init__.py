"""Does a scorer still hold? Rolling calibration and feature drift: pure counts, kept by shards, merged when asked."""
