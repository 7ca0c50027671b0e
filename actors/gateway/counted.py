"""What Insight told, for as long as Insight itself would tell the same: however many ask, it is asked once.

Both of its answers end with the same moment (``actors.insight.telling``), so nobody sees anything later than without
this; and no funnel that is asked for here after a live answer was got is older than that.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from actors.gateway.problems import Refused
from models import limits

_Body = dict[str, Any]
#: The call, and what it is asked: (tag of the tenant,) or (window, channel, action).
_Place = tuple[Any, ...]


@dataclass(slots=True)
class _Kept:
    body: _Body
    #: When it was told, and until when it is the answer.
    told_s: float
    until_s: float


class Counted:
    """``ask``: calls Insight with a method and what it is asked, and raises ``Refused``. Bodies are read-only."""

    def __init__(
        self, ask: Callable[[str, Mapping[str, Any]], Awaitable[Any]], clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask: Final = ask
        self._clock: Final = clock
        self._kept: Final[OrderedDict[_Place, _Kept]] = OrderedDict()
        self._asking: Final[dict[_Place, asyncio.Task[_Kept]]] = {}
        #: Live answers with news so far: a funnel that was under way meanwhile may lack them.
        self._news = 0

    async def live(self, tag: bytes) -> _Body:
        """The body of ``GET /v1/live`` for the tenant of this tag, as old as it is now. Raises ``Refused``."""
        found = await self._found(("live", tag), {"tag": tag})
        return {**found.body, "age_ms": found.body["age_ms"] + round((self._clock() - found.told_s) * limits.SECOND_MS)}

    async def funnel(self, window: str, channel: str | None, action: str | None) -> _Body:
        """The body of ``GET /v1/funnel``. Raises ``Refused``."""
        asked = {"window": window, "channel": channel, "action": action}
        return (await self._found(("funnel", window, channel, action), asked)).body

    async def _found(self, place: _Place, asked: Mapping[str, Any]) -> _Kept:
        kept = self._kept.get(place)
        if kept is not None and self._clock() < kept.until_s:
            return kept
        asking = self._asking.get(place)
        if asking is None:
            asking = self._asking[place] = asyncio.create_task(self._told(place, asked))
            asking.add_done_callback(lambda done: self._ended(place, done))
        return await asyncio.shield(asking)

    def _ended(self, place: _Place, done: asyncio.Task[_Kept]) -> None:
        del self._asking[place]
        if not done.cancelled():
            done.exception()  # seen, though everybody who asked may have left

    async def _told(self, place: _Place, asked: Mapping[str, Any]) -> _Kept:
        """From Insight, which does not send again what is kept here."""
        began_s, before, news = self._clock(), self._kept.get(place), self._news
        body = await self._ask(place[0], {**asked, "known": before.body["version"] if before is not None else None})
        if place[0] == "funnel":
            status, body = body
            if status != 200:
                raise Refused(status, body["detail"], body.get("errors"))
        fresh_s = body.pop("fresh_ms", 0) / limits.SECOND_MS
        if before is not None and body["version"] == before.body["version"]:
            body = {**before.body, **body}
        elif place[0] == "live":
            self._outdate_funnels()
        is_behind = place[0] == "funnel" and news != self._news
        told = self._kept[place] = _Kept(body, self._clock(), 0.0 if is_behind else began_s + fresh_s)
        self._sweep(place)
        return told

    def _outdate_funnels(self) -> None:
        self._news += 1
        for place, kept in self._kept.items():
            if place[0] == "funnel":
                kept.until_s = 0.0

    def _sweep(self, newest: _Place) -> None:
        """Customers are named here: what nobody asked for lately goes."""
        self._kept.move_to_end(newest)
        oldest_s = self._clock() - limits.COUNTED_KEPT_MS / limits.SECOND_MS
        while True:
            place, first = next(iter(self._kept.items()))
            if len(self._kept) <= limits.COUNTED_KEPT_MAX and first.told_s >= oldest_s:
                return
            del self._kept[place]
