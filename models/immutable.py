"""Values that are made in every decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def immutable(kind: type[T]) -> type[T]:
    """A dataclass with slots that nobody changes once it is made: the type checker sees to that, not the interpreter.

    For what a decision makes several of, where a frozen dataclass would spend more on guarding its own constructor
    (a call per field) than on everything else that is done with it. Others are ``dataclass(frozen=True)``.
    """
    return dataclass(slots=True, unsafe_hash=True)(kind)
