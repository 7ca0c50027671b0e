"""Typed, read-only looks at what the server said. What a later server says beyond them stays in ``data``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Generic, Self, TypeVar, overload

T = TypeVar("T")
_REQUIRED: Final = object()


class Member(Generic[T]):
    """A member of the object under its own name; with a default, one that may be missing."""

    __slots__ = ("_default", "_name")

    def __init__(self, default: T | object = _REQUIRED) -> None:
        self._default = default

    def __set_name__(self, owner: type[View], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, view: None, owner: type[View]) -> Self: ...

    @overload
    def __get__(self, view: View, owner: type[View]) -> T: ...

    def __get__(self, view: View | None, owner: type[View]) -> T | Self:
        if view is None:
            return self
        try:
            found: T = view.data[self._name]
        except KeyError:
            if self._default is _REQUIRED:
                raise AttributeError(f"the server's answer has no {self._name!r}; it has {sorted(view.data)}") from None
            found = self._default  # type: ignore[assignment]
        return found


class View:
    """``data`` is the decoded object, ``raw`` the bytes of the whole answer (empty for a part of one)."""

    __slots__ = ("data", "raw")

    def __init__(self, data: Mapping[str, Any], raw: bytes = b"") -> None:
        self.data: Final = data
        self.raw: Final = raw

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, View) and other.data == self.data

    def __hash__(self) -> int:
        raise TypeError(f"a {type(self).__name__} is not hashable; use one of its ids")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self.data)!r})"
