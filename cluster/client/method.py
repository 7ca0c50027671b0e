"""A call that is written once and is a method of both clients: awaited on the one, plain on the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import partial
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, Self, TypeVar, overload

from cluster.client.call import Call

P = ParamSpec("P")
T = TypeVar("T")
I_co = TypeVar("I_co", covariant=True)


class Page(Protocol[I_co]):
    """A part of a long answer: ``items``, and where the next one begins (None at the end)."""

    @property
    def items(self) -> tuple[I_co, ...]: ...

    @property
    def next_before(self) -> str | None: ...


class AsyncRunner(ABC):
    @abstractmethod
    async def perform(self, call: Call[T]) -> T:
        """Send it, repeat it as the contract allows, read it."""


class SyncRunner(ABC):
    @abstractmethod
    def perform(self, call: Call[T]) -> T:
        """Send it, repeat it as the contract allows, read it."""


class Method(Generic[P, T]):
    def __init__(self, build: Callable[Concatenate[Any, P], Call[T]]) -> None:
        self._build = build
        self.__doc__ = build.__doc__
        self.__wrapped__ = build

    @overload
    def __get__(self, client: None, owner: type[Any]) -> Self: ...

    @overload
    def __get__(self, client: AsyncRunner, owner: type[Any]) -> Callable[P, Coroutine[Any, Any, T]]: ...

    @overload
    def __get__(self, client: SyncRunner, owner: type[Any]) -> Callable[P, T]: ...

    def __get__(self, client: Any, owner: type[Any]) -> Any:
        return self if client is None else partial(_perform, client, self._build)


class Paged(Generic[P, I_co]):
    """Built with the place where a page begins (None: the first), which callers never give."""

    def __init__(self, build: Callable[Concatenate[Any, str | None, P], Call[Page[I_co]]]) -> None:
        self._build = build
        self.__doc__ = build.__doc__
        self.__wrapped__ = build

    @overload
    def __get__(self, client: None, owner: type[Any]) -> Self: ...

    @overload
    def __get__(self, client: AsyncRunner, owner: type[Any]) -> Callable[P, AsyncIterator[I_co]]: ...

    @overload
    def __get__(self, client: SyncRunner, owner: type[Any]) -> Callable[P, Iterator[I_co]]: ...

    def __get__(self, client: Any, owner: type[Any]) -> Any:
        if client is None:
            return self
        return partial(_each_async if isinstance(client, AsyncRunner) else _each, client, self._build)


def _perform(client: Any, build: Callable[..., Call[Any]], *args: Any, **named: Any) -> Any:
    return client.perform(build(client, *args, **named))


async def _each_async(client: AsyncRunner, build: Callable[..., Call[Any]], *args: Any, **named: Any) -> Any:
    before = None
    while True:
        page = await client.perform(build(client, before, *args, **named))
        for item in page.items:
            yield item
        before = page.next_before
        if before is None:
            return


def _each(client: SyncRunner, build: Callable[..., Call[Any]], *args: Any, **named: Any) -> Any:
    before = None
    while True:
        page = client.perform(build(client, before, *args, **named))
        yield from page.items
        before = page.next_before
        if before is None:
            return
