"""What the console tells of itself: requests by page and status, how long they took, how many look. Nothing says who:
a session is known by a digest of its cookie, for a minute, in this process alone."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from starlette.types import Scope

from actors.metrics import of_console as families
from actors.metrics.spread import Spread
from actors.metrics.told import Telling, Told
from models import limits

#: Files, and what no page answers.
FILES: Final = "static"
NO_PAGE: Final = "none"
_PLACE: Final = "kairos.page"
_DIGEST_BYTES: Final = 16


def name_page(scope: Scope, pattern: str) -> None:
    """Which page this request asks for: a route's path, so that the names are few."""
    scope[_PLACE] = pattern


class Figures:
    """``clock``: seconds that only rise. Belongs to one event loop."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock: Final = clock
        self._answered: Final[dict[tuple[str, int], int]] = {}
        self._seconds: Final = Spread(families.REQUEST.bounds)
        #: Digest of a cookie -> when its session asked last; the latest at the end.
        self._seen: Final[OrderedDict[bytes, float]] = OrderedDict()
        #: Sessions that were begun by this process.
        self.begun = 0

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        page = scope.get(_PLACE, NO_PAGE)
        self._answered[page, status] = self._answered.get((page, status), 0) + 1
        if page != FILES:
            self._seconds.observe(seconds)

    def seen(self, cookie: str) -> None:
        """A session asked for something."""
        digest = hashlib.blake2b(cookie.encode(), digest_size=_DIGEST_BYTES).digest()
        self._seen[digest] = self._clock()
        self._seen.move_to_end(digest)
        self._forget()

    def told(self) -> Told:
        """See ``actors.metrics.of_console``."""
        self._forget()
        found = Telling()
        for (page, status), count in self._answered.items():
            found.number(families.REQUESTS, count, page, str(status))
        found.spread(families.REQUEST, self._seconds)
        found.number(families.VIEWERS, len(self._seen))
        found.number(families.BEGUN, self.begun)
        return found.told

    def _forget(self) -> None:
        oldest_s = self._clock() - limits.CONSOLE_VIEWER_MS / limits.SECOND_MS
        while self._seen and (
            len(self._seen) > limits.CONSOLE_VIEWERS_MAX or next(iter(self._seen.values())) <= oldest_s
        ):
            self._seen.popitem(last=False)
