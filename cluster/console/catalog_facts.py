"""The currency and the time zone of the live catalog, asked now and then with the key of whoever is looking."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cluster.console.api import Api
from cluster.console.formats import Formats
from models import limits


class CatalogFacts:
    """Kept for all viewers: an installation has one live catalog. ``clock``: seconds that only rise."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        #: As it was last told; empty before.
        self.catalog: Mapping[str, Any] = {}
        self._formats = Formats()
        self._believed_until = 0.0

    async def formats(self, api: Api, may_read: bool) -> Formats:
        """Asked anew when the last answer is old; a viewer who may not read the catalog gets what is known."""
        if not may_read or self._clock() < self._believed_until:
            return self._formats
        answer = await api.get("/v1/catalog")
        if answer.ok:
            self.catalog = catalog = answer.data["catalog"]
            self._formats = Formats(str(catalog.get("currency") or ""), _known_zone(catalog.get("timezone")))
            self._believed_until = self._clock() + limits.CONSOLE_CATALOG_BELIEVED_MS / 1_000
        return self._formats


def _known_zone(name: object) -> str:
    try:
        return ZoneInfo(str(name)).key
    except (ZoneInfoNotFoundError, ValueError):
        return "UTC"
