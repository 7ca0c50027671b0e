"""Propensities: evidence, feature matrices, the scorer's manifest and file, training."""
