"""Simulated callers: who they are, what they do, when, and how every call of theirs is recorded."""
