"""A small Kairos cluster in one thread, on a virtual clock, out of a seed: real shards, coordinator, supervisor and
gateway lanes over simulated disks, a simulated store and a simulated network, all of which fail.

What runs is the product's own code: ``ProfileShard`` with its turn loop, sync and recovery, ``CoordinatorService`` with
its record, ``Lane``. What is simulated is what it stands on: the event loop, threads, clocks, random bytes, the journal
and the network. Nothing here reads a real clock or a real random number, so a seed tells one story for ever.
"""
