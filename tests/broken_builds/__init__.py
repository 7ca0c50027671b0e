"""Builds of Kairos that are broken on purpose, and the tests that must see it: ``python -m tests.broken_builds``."""
