"""One way to break the product."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Build:
    invariant: int
    #: What is wrong with it.
    breaks: str
    file: str
    #: Stands exactly once in ``file``; is replaced by ``new``.
    old: str
    new: str
    #: Tests of which at least one must fail.
    caught_by: tuple[str, ...]
