"""The pages, in the order of the navigation: each module lists its own routes."""

from __future__ import annotations

from typing import Final

from cluster.console.pages import home, session
from cluster.console.routing import PageRoute

ROUTES: Final[tuple[PageRoute, ...]] = (*home.ROUTES, *session.ROUTES)
