"""Studies of learning on real data and figures of training: ``python -m loadtests.learning NAME``."""
