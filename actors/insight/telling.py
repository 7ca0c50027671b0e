"""The answers, each believed for a moment: however many ask, the counts are added up twice a second.

All of them end with the same moment, so that who shows several of them has something new to show as rarely as can be.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from actors.insight.counting import Counting, Standing
from actors.insight.tailing import monotonic_ms
from models import limits
from models.insight import told

_Body = dict[str, Any]
#: An answer that takes long to make (of many thousand cells) is believed for so many times as long.
_COST_SHARE: Final = 10


class Telling:
    def __init__(self, counting: Counting, clock: Callable[[], int] = monotonic_ms) -> None:
        self._counting, self._clock = counting, clock
        self._begun_ms = clock()
        #: What was asked -> (until when it is believed, body), the oldest first.
        self._kept: OrderedDict[tuple[Any, ...], tuple[int, _Body]] = OrderedDict()

    def live(self, tag: bytes | None) -> _Body:
        """The body of ``GET /v1/live``, and ``fresh_ms``: for how long it is the answer from now on. ``tag``: of the
        tenant whose recent decisions are told; None for all."""
        return {**self._believed(("live", tag), lambda: self._live(tag)), "age_ms": self.age_ms()}

    def funnel(self, window: str, channel: str | None, action: str | None) -> _Body:
        """The body of ``GET /v1/funnel``, and ``fresh_ms`` as ``live`` has it: nothing that a live answer told before
        is missing from it, unless it takes long to make. Raises ``BadInput``."""
        return self._believed(("funnel", window, channel, action), lambda: self._funnel(window, channel, action))

    def _believed(self, asked: tuple[Any, ...], make: Callable[[], _Body]) -> _Body:
        now_ms = self._clock()
        known = self._kept.get(asked)
        if known is None or now_ms >= known[0]:
            known = self._made(asked, make)
        return {**known[1], "fresh_ms": max(0, known[0] - now_ms)}

    def _made(self, asked: tuple[Any, ...], make: Callable[[], _Body]) -> tuple[int, _Body]:
        began_ms = self._clock()
        body = make()
        made_ms = self._clock()
        ends_ms = (made_ms // limits.INSIGHT_TOLD_MS + 1) * limits.INSIGHT_TOLD_MS
        if asked[0] == "live":
            for other in [other for other, (until_ms, _) in self._kept.items() if until_ms <= ends_ms]:
                if other[0] == "funnel":
                    del self._kept[other]
        self._kept[asked] = made = (max(ends_ms, made_ms + _COST_SHARE * (made_ms - began_ms)), body)
        self._kept.move_to_end(asked)
        while len(self._kept) > limits.INSIGHT_ANSWERS_KEPT_MAX:
            self._kept.popitem(last=False)
        return made

    def _live(self, tag: bytes | None) -> _Body:
        counting, now_ms = self._counting, self._clock()
        p50_ms, p99_ms = counting.meters.quantiles_ms(now_ms)
        standings = counting.standings
        content = {
            "at": told.time_or_none(counting.snapshot.history.newest_ms),
            "caught_up": all(one.ended_ms > 0 and not one.is_behind for one in standings.values()),
            "behind_rows": sum(max(0, one.newest - one.seq) for one in standings.values()),
            "shards": [
                {"shard": shard, "seq": one.seq, "newest": one.newest, "reached": self.is_reached(one, now_ms)}
                for shard, one in standings.items()
            ],
            "rate_per_s": counting.meters.rate_per_s(now_ms), "p50_ms": p50_ms, "p99_ms": p99_ms,
            "degraded_share": counting.meters.degraded_share(now_ms),
            "minutes": told.minutes(counting.snapshot.history), "recent": counting.recent.decisions(tag),
            "sample_ratio": counting.recent.sample_ratio,
        }
        return {"at": content.pop("at"), "version": told.version_of(content), **content}

    def _funnel(self, window: str, channel: str | None, action: str | None) -> _Body:
        snapshot = self._counting.snapshot
        body = told.funnel(snapshot.history, snapshot.live_names, window, channel, action)
        return {**body, "version": told.version_of(body)}

    @staticmethod
    def is_reached(one: Standing, now_ms: int) -> bool:
        return one.heard_ms > 0 and now_ms - one.heard_ms <= limits.FEED_REACHED_MS

    def age_ms(self) -> int:
        """Since every shard that can be reached was read to its end; since any was, where none can be."""
        now_ms, standings = self._clock(), list(self._counting.standings.values())
        reached = [one.ended_ms for one in standings if self.is_reached(one, now_ms)]
        since_ms = min(reached) if reached else max((one.ended_ms for one in standings), default=0)
        return now_ms - (since_ms or self._begun_ms)
