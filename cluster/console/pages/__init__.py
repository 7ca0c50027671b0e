"""The pages, in the order of the navigation: each module lists its own routes."""

from __future__ import annotations

from typing import Final

from cluster.console.pages import cluster, customer, erase, home, money, now, session, whatif, why
from cluster.console.routing import PageRoute

ROUTES: Final[tuple[PageRoute, ...]] = (
    *home.ROUTES, *now.ROUTES, *why.ROUTES, *customer.ROUTES, *erase.ROUTES, *whatif.ROUTES, *money.ROUTES,
    *cluster.ROUTES, *session.ROUTES,
)
