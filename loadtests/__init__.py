"""Benchmarks: ratios taken in one run against a reference. ``python -m loadtests`` runs them; nothing here asserts."""
