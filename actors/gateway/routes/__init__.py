"""The calls of the contract, by resource. Each module exports its ``ROUTES``."""

from __future__ import annotations

from typing import Final

from actors.gateway.routes import (
    configuration,
    customers,
    decisions,
    events,
    experiments,
    insight,
    operations,
    outcomes,
    scorers,
    stream,
    what_if,
)
from actors.gateway.routing import Route

ROUTES: Final[tuple[Route, ...]] = (
    *events.ROUTES, *decisions.ROUTES, *outcomes.ROUTES, *customers.ROUTES, *configuration.ROUTES, *scorers.ROUTES,
    *experiments.ROUTES, *insight.ROUTES, *what_if.ROUTES, *operations.ROUTES, *stream.ROUTES,
)
