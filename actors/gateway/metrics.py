"""Prometheus figures of this gateway, and of others as they tell them when asked for.

Every replica answers for itself, under the label ``gateway``; what it asks of others has no such label, so that it
is one series whichever replica was asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from actors.gateway.decision_latencies import DECIDING, DecisionLatencies
from actors.gateway.figures import Answers, Counts, Spreads
from actors.gateway.metrics_of_others import Others
from actors.metrics import of_gateway as families
from actors.metrics.told import shown

_STAGES = ("gateway", "shard", "score", "commit")
_REASONS = {401: "unknown_caller", 403: "scope", 429: "rate"}


class Metrics:
    """``gateway``: the name of this replica, for its label."""

    def __init__(self, gateway: str = "0") -> None:
        self.gateway = gateway
        #: Of decisions that were answered, since this replica began.
        self.decided = DecisionLatencies()
        self._requests = Answers(families.REQUESTS, families.REQUEST)
        self._frames = Answers(families.FRAMES, families.FRAME)
        self._stage = Spreads(families.STAGE)
        self._streams_ended = Counts(families.STREAMS_ENDED)
        self._denials = Counts(families.DENIALS)
        self._batch_wait, self._link, self._batch = map(
            Spreads, (families.BATCH_WAIT, families.LINK, families.BATCH)
        )
        self._calls_lost = Counts(families.CALLS_LOST)
        self._stages = {stage: self._stage.of(stage) for stage in _STAGES}
        self._wait, self._call, self._size = (one.of() for one in (self._batch_wait, self._link, self._batch))
        #: Streams that are open now.
        self.streams_open = 0
        #: How old the token issuer's keys are; None without an issuer.
        self.issuer_keys_age_s: Callable[[], float | None] = _unknown

    def answered(self, call: str, status: int, seconds: float, own_seconds: float, timing: Mapping[str, float]) -> None:
        """``own_seconds``: the part that the gateway itself worked. ``timing``: milliseconds by stage."""
        self._requests.note(call, status, seconds)
        if status == 200 and call in DECIDING:
            self.decided.note(seconds)
        self._stages["gateway"].observe(own_seconds)
        for stage, spent_ms in timing.items():
            known = self._stages.get(stage)
            if known is not None:
                known.observe(spent_ms / 1_000)

    def framed(self, call: str, status: int, seconds: float) -> None:
        """A frame was answered."""
        self._frames.note(call, status, seconds)
        if status == 200 and call in DECIDING:
            self.decided.note(seconds)

    def stream_ended(self, code: int) -> None:
        self._streams_ended.note(code)

    def denied(self, status: int) -> None:
        """A caller was refused for want of a right."""
        self._denials.note(_REASONS.get(status, "other"))

    def waited(self, seconds: float) -> None:
        """A group of commands leaves its lane."""
        self._wait.observe(seconds)

    def called(self, seconds: float, commands: int) -> None:
        """A shard has answered a batch."""
        self._call.observe(seconds)
        self._size.observe(commands)

    def call_lost(self) -> None:
        self._calls_lost.note()

    def expose(self, waiting: Mapping[str, int], others: Others) -> bytes:
        """The text format. ``waiting``: commands by lane. ``others``: what they tell of themselves."""
        registry = CollectorRegistry()
        registry.register(_Collected([*self._own(waiting), *others.shown()]))
        return generate_latest(registry)

    def _own(self, waiting: Mapping[str, int]) -> Iterable[Metric]:
        age_s = self.issuer_keys_age_s()
        gauges: list[tuple[Any, list[list[Any]]]] = [
            (families.STREAMS, [[[], self.streams_open]]),
            (families.WAITING, [[[lane], count] for lane, count in waiting.items()]),
            (families.ISSUER_KEYS_AGE, [] if age_s is None else [[[], age_s]]),
        ]
        kept = (
            self._requests.counts, self._requests.seconds, self._frames.counts, self._frames.seconds, self._stage,
            self._streams_ended, self._denials, self._batch_wait, self._link, self._batch, self._calls_lost,
        )
        whose: tuple[str, ...] = (self.gateway,)
        for family, rows in [*((one.family, one.rows()) for one in kept), *gauges]:
            yield shown(family, {whose: rows}, ("gateway",))


class _Collected(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _unknown() -> None:
    return None
