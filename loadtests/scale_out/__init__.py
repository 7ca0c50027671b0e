"""What a cluster of many machines would do: service times measured here, network and queues simulated.

``python -m loadtests.scale_out [--nodes 1 2 4 ...] [--store postgresql://...]``, or ``make bench ARGS=scale_out``.
A simulation says where the first limit lies, not what a given cluster reaches.
"""
