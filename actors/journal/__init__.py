"""Durable logs behind one interface: fenced appends, sealed segments, indexes, snapshots."""
