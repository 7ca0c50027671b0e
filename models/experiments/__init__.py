"""Experiments: who is in which, what it changes, what came of it, and what can be said of that at any time."""
