"""The newest decisions, and requests that can be asked again: in memory alone, and never of who was erased."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, Final

from models import limits
from models.arbitration import fates
from models.canonical import pack
from models.ids import TENANT_TAG_BYTES
from models.insight.rows import Decision
from models.times import format_time

_ITEM_FIELDS: Final = ("placement", "rank", "action", "treatment", "fallback")


class Recent:
    """Above a rate, every second, third, ... decision is taken, so that those shown lie evenly."""

    def __init__(self) -> None:
        #: (clock, place of arrival, customer, what is told). Rows of two shards have no order among each other, so of
        #: what has the same clock (a manual one stands still) the later arrival is the newer.
        self._decisions: deque[tuple[int, int, bytes, dict[str, Any]]] = deque(maxlen=limits.INSIGHT_RECENT_MAX)
        #: Channel -> (clock, place of arrival, customer, request as it was logged), in the order of arrival.
        self._requests: dict[str, deque[tuple[int, int, bytes, dict[str, Any]]]] = {}
        self._stride = 1
        self._met = 0
        self._second = 0
        self._in_second = 0

    @property
    def sample_ratio(self) -> float:
        """Which share of the decisions is taken at present."""
        return 1.0 / self._stride

    def offer(self, decisions: Sequence[Decision], erased: Mapping[bytes, int], wall_ms: int) -> None:
        """Decisions in the order in which they were made. ``erased``: customers -> the row that erased them, of the
        same rows. ``wall_ms``: any clock that never jumps."""
        self._note_rate(len(decisions), wall_ms)
        for customer in erased:
            self._forget(customer)
        for decision in decisions:
            self._met += 1
            if self._met % self._stride == 0 and decision.seq > erased.get(decision.customer, -1):
                self._decisions.append((decision.clock_ms, self._met, decision.customer, _told(decision)))
                self._keep_request(decision)

    def _forget(self, customer: bytes) -> None:
        kept = [one for one in self._decisions if one[2] != customer]
        self._decisions.clear()
        self._decisions.extend(kept)
        for requests in self._requests.values():
            left = [one for one in requests if one[2] != customer]
            requests.clear()
            requests.extend(left)

    def decisions(self, tag: bytes | None) -> list[dict[str, Any]]:
        """Newest first. ``tag``: of the customers of one tenant alone (``models.ids.tenant_tag``)."""
        found = [one for one in self._decisions if tag in (None, one[2][:TENANT_TAG_BYTES])]
        newest = sorted(found, key=lambda one: one[:2], reverse=True)
        return [told for *_, told in newest[: limits.INSIGHT_RECENT_TOLD_MAX]]

    def requests(self, tag: bytes | None, channel: str | None, size: int) -> list[tuple[bytes, dict[str, Any]]]:
        """(customer key, request as it was logged), newest first."""
        channels = list(self._requests) if channel is None else [channel]
        found = [
            one for name in channels for one in self._requests.get(name, ()) if tag in (None, one[2][:TENANT_TAG_BYTES])
        ]
        newest = sorted(found, key=lambda one: one[:2], reverse=True)[:size]
        return [(customer, request) for _, _, customer, request in newest]

    def _note_rate(self, many: int, wall_ms: int) -> None:
        second = wall_ms // limits.SECOND_MS
        if second != self._second:
            rate = self._in_second if second == self._second + 1 else 0
            self._stride = max(1, ceil(rate / limits.INSIGHT_RECENT_PER_S_MAX))
            self._second, self._in_second = second, 0
        self._in_second += many

    def _keep_request(self, decision: Decision) -> None:
        requests = self._requests.get(decision.channel)
        if requests is None:
            if len(self._requests) >= limits.INSIGHT_REQUEST_CHANNELS_MAX:
                return
            requests = self._requests[decision.channel] = deque(maxlen=limits.INSIGHT_REQUESTS_PER_CHANNEL_MAX)
        if len(pack(decision.request)) <= limits.INSIGHT_REQUEST_BYTES_MAX:
            requests.append((decision.clock_ms, self._met, decision.customer, decision.request))


def _told(decision: Decision) -> dict[str, Any]:
    answer = decision.answer()
    candidates = int((fates.read(decision.fates) != fates.FALLBACK).sum())
    return {
        "decision_id": answer["decision_id"], "customer_id": answer["customer_id"],
        "time": format_time(decision.clock_ms), "channel": decision.channel,
        "control_group": decision.control_group, "degraded": decision.degraded,
        "scorer_version": answer["scorer_version"], "candidates": candidates,
        "chosen": sum(not decision.item(item, "fallback") for item in decision.items),
        "items": [{name: decision.item(item, name) for name in _ITEM_FIELDS} for item in decision.items],
    }
