"""The table of calls: which path and method is whose, with which scope, and how the contract describes it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from actors.gateway.exchange import Answer, Exchange
from actors.gateway.problems import Refused
from actors.gateway.services import Services

Handler = Callable[[Services, Exchange], Coroutine[Any, Any, Answer]]


@dataclass(frozen=True, slots=True)
class Query:
    """A query parameter and its JSON schema."""

    name: str
    schema: dict[str, Any]
    description: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    #: Ids in braces, each a whole segment or what stands before a ``:verb``.
    path: str
    #: "" for calls without a key.
    scope: str
    handle: Handler
    name: str
    summary: str
    tag: str
    #: Status -> what the body is; None for a body that no model describes (``media`` says what it is).
    answers: dict[int, type[BaseModel] | None]
    errors: tuple[int, ...] = ()
    body: type[BaseModel] | None = None
    #: Of a batch: the field that holds the elements, and what each should be.
    element: tuple[str, type[BaseModel]] | None = None
    query: tuple[Query, ...] = ()
    #: More than the summary says.
    description: str = ""
    media: str = ""
    #: The body is a catalog, as YAML, JSON or msgpack.
    takes_catalog: bool = False
    #: 304 for a caller who names the ETag of what it would be told.
    is_conditional: bool = False
    #: Whatever the call asks of shards is submitted before its handler first waits: a stream runs it without a task of
    #: its own, and what one connection sends stays in order.
    submits_at_once: bool = False
    query_names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "query_names", tuple(query.name for query in self.query))

    @property
    def path_names(self) -> tuple[str, ...]:
        return tuple(part[1:part.index("}")] for part in self.path.split("/") if part.startswith("{"))


class Router:
    """Exact paths by one lookup; paths with ids by their segments."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        self._exact: dict[bytes, dict[str, Route]] = {}
        self._patterns: dict[int, list[tuple[tuple[bytes, ...], dict[str, Route]]]] = {}
        for route in routes:
            if "{" not in route.path:
                self._exact.setdefault(route.path.encode(), {})[route.method] = route
            else:
                self._add_pattern(route)

    def _add_pattern(self, route: Route) -> None:
        parts = tuple(route.path.encode().split(b"/"))
        same_length = self._patterns.setdefault(len(parts), [])
        for known, methods in same_length:
            if known == parts:
                methods[route.method] = route
                return
        same_length.append((parts, {route.method: route}))

    def find(self, raw_path: bytes, exchange: Exchange) -> Route:
        """The route, with ``exchange.segments`` set. Raises 404 for an unknown path, 405 with ``allow``."""
        methods, exchange.segments = self._methods(raw_path)
        route = methods.get("GET" if exchange.method == "HEAD" else exchange.method)
        if route is None:
            allow = ", ".join(_allowed(methods))
            raise Refused(
                405, f"{exchange.method[:20]} is not served here; allowed: {allow}",
                headers=((b"allow", allow.encode()),),
            )
        return route

    def allowed(self, raw_path: bytes) -> list[str]:
        """The methods of a path. Raises 404."""
        return _allowed(self._methods(raw_path)[0])

    def _methods(self, raw_path: bytes) -> tuple[dict[str, Route], list[bytes]]:
        """The routes of a path by method, and its segments that stand for ids."""
        if b"%3" in raw_path:  # a colon may be written either way
            raw_path = raw_path.replace(b"%3A", b":").replace(b"%3a", b":")
        exact = self._exact.get(raw_path)
        return (exact, []) if exact is not None else self._match(raw_path)

    def _match(self, raw_path: bytes) -> tuple[dict[str, Route], list[bytes]]:
        parts = raw_path.split(b"/")
        for pattern, methods in self._patterns.get(len(parts), ()):
            segments = _match_parts(pattern, parts)
            if segments is not None:
                return methods, segments
        raise Refused(404, "there is no such endpoint; /openapi.json lists them")


def _allowed(methods: dict[str, Route]) -> list[str]:
    return sorted({*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"})


def _match_parts(pattern: tuple[bytes, ...], parts: list[bytes]) -> list[bytes] | None:
    """The segments that stand for ids, or None when the path is another one."""
    segments = []
    for expected, part in zip(pattern, parts, strict=True):
        if not expected.startswith(b"{"):
            if expected != part:
                return None
            continue
        verb = expected[expected.index(b"}") + 1:]
        if not part.endswith(verb) or len(part) == len(verb):
            return None
        segments.append(part[: len(part) - len(verb)])
    return segments
