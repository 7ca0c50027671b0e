"""Which handler a path leads to. Segments are taken from the raw path, so that an id may hold any character."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from starlette.responses import Response

from cluster.console.address import ROOT

if TYPE_CHECKING:
    from cluster.console.view import View

Handler = Callable[["View"], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class PageRoute:
    """``path`` is below the console's root; ``{name}`` in it stands for one whole segment, unquoted in ``View.path``.
    ``scope``: without it the viewer gets a page that names it. ``nav``: stands in the navigation, under ``title``."""

    method: str
    path: str
    handler: Handler
    title: str
    scope: str | None = "config:read"
    nav: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    route: PageRoute
    path: Mapping[str, str]


class Routes:
    """All pages. Literal segments win over named ones; two routes of one method and path are a mistake."""

    def __init__(self, routes: Iterable[PageRoute]) -> None:
        self._by_parts: Final[dict[tuple[str, ...], dict[str, PageRoute]]] = {}
        for route in routes:
            methods = self._by_parts.setdefault(tuple(_parts(route.path)), {})
            if route.method in methods:
                raise ValueError(f"two pages for {route.method} {route.path}: give one of them another path")
            methods[route.method] = route

    def find(self, method: str, path: str) -> Found | frozenset[str]:
        """The route; else the methods that this path knows (none: there is no such page). HEAD asks as GET does."""
        asked = _parts(path)
        known: frozenset[str] = frozenset()
        wanted = "GET" if method == "HEAD" else method
        for parts, methods in sorted(self._by_parts.items(), key=_named_segments):
            values = _match(parts, asked)
            if values is None:
                continue
            if wanted in methods:
                return Found(methods[wanted], values)
            known |= frozenset(methods)
        return known


def path_below(scope: Mapping[str, Any]) -> str:
    """The quoted path below the console's root, whether or not the server in front has taken the root away."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path = raw.partition(b"?")[0].decode("ascii", "replace")
    for root in (scope.get("root_path", ""), ROOT):
        if root and (path == root or path.startswith(root + "/")):
            path = path[len(root):]
            break
    return path or "/"


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _named_segments(entry: tuple[tuple[str, ...], Any]) -> int:
    return sum(part.startswith("{") for part in entry[0])


def _match(parts: tuple[str, ...], asked: list[str]) -> dict[str, str] | None:
    if len(parts) != len(asked):
        return None
    values: dict[str, str] = {}
    for part, given in zip(parts, asked, strict=True):
        if part.startswith("{"):
            values[part[1:-1]] = unquote(given)
        elif part != given:
            return None
    return values
