"""Which route a frame's ``call`` names: the path after ``/v1/`` of a POST, from the same table as over HTTP."""

from __future__ import annotations

from actors.gateway.exchange import Exchange
from actors.gateway.problems import Refused
from actors.gateway.routing import Route, Router

_PREFIX = "/v1/"


class Calls:
    def __init__(self, router: Router) -> None:
        self._router = router
        #: Every call, with ids in braces, for problems and documentation.
        self.names = sorted(
            route.path.removeprefix(_PREFIX) for route in router.routes
            if route.method == "POST" and route.path.startswith(_PREFIX)
        )
        self._exact = {
            route.path.removeprefix(_PREFIX): route for route in router.routes
            if route.method == "POST" and route.path.startswith(_PREFIX) and "{" not in route.path
        }

    def find(self, call: str, exchange: Exchange) -> Route:
        """The route, with ``exchange.segments`` set. Raises 404 that lists the calls."""
        route = self._exact.get(call)
        if route is not None:
            return route
        try:
            return self._router.find(f"{_PREFIX}{call}".encode(), exchange)
        except Refused as refused:
            raise Refused(404, f"there is no such call; a stream carries {', '.join(self.names)}") from refused
