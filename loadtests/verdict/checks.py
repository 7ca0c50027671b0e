"""One line of a verdict."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    #: None: it could not be judged here; it does not fail the run, but the verdict says so.
    passed: bool | None
    said: str


def note(name: str, said: str) -> Check:
    """What a reader must know and nobody can fail."""
    return Check(name, None, said)
