"""The rates of callers, shared over gateways: each grants its part.

Together the gateways grant a caller at most its rate, plus a burst of one second's worth (at least one request per
gateway). A caller whose requests reach some gateways more often than others is refused before that: one connection
that stays with one of n gateways gets an nth of the rate.
"""

from __future__ import annotations

from models import limits


class Bucket:
    """A token bucket of one second's worth of requests (at least one)."""

    def __init__(self, rate: float, now_s: float) -> None:
        self.rate = rate
        self._full = max(1.0, rate)
        self._tokens = self._full
        self._at_s = now_s

    def take(self, now_s: float) -> float:
        """0.0 when a request may pass, else the seconds until one may."""
        self._tokens = min(self._full, self._tokens + (now_s - self._at_s) * self.rate)
        self._at_s = now_s
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self.rate


class Rates:
    def __init__(self, gateways: int) -> None:
        self._gateways = gateways
        #: By name, so that two keys of one caller share; the rate that its keys have, and this gateway's part.
        self._buckets: dict[str, tuple[float, Bucket]] = {}

    def spend(self, name: str, rate: float, now_s: float) -> float:
        """0.0 when a caller's request may pass, else the seconds until one may."""
        known = self._buckets.get(name)
        if known is None or known[0] != rate:
            if len(self._buckets) >= limits.RATED_CALLERS_MAX:
                del self._buckets[next(iter(self._buckets))]
            known = self._buckets[name] = (rate, Bucket(rate / self._gateways, now_s))
        return known[1].take(now_s)
