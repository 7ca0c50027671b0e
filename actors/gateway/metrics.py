"""Prometheus figures of this gateway, and of the shards as they tell them when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_STAGES = ("gateway", "shard", "score", "commit")
_BUCKETS_S = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.008, 0.012, 0.02, 0.035, 0.06, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "kairos_requests", "Answered requests by call and status", ["call", "status"], registry=self.registry
        )
        self._latency = Histogram(
            "kairos_request_seconds", "From the request's head to its answer, by call", ["call"],
            buckets=_BUCKETS_S, registry=self.registry,
        )
        self._stage = Histogram(
            "kairos_stage_seconds", "Time by stage: gateway without waiting, shard, score, commit", ["stage"],
            buckets=_BUCKETS_S, registry=self.registry,
        )
        self.streams = Gauge("kairos_streams_open", "Streams that are open", registry=self.registry)
        self._frames = Counter(
            "kairos_stream_frames", "Answered frames of streams by call and status", ["call", "status"],
            registry=self.registry,
        )
        self._frame_latency = Histogram(
            "kairos_stream_frame_seconds", "From a frame's arrival to its answer, by call", ["call"],
            buckets=_BUCKETS_S, registry=self.registry,
        )
        self._streams_ended = Counter(
            "kairos_streams_ended", "Streams that have ended, by close code", ["code"], registry=self.registry
        )
        self._shard = Gauge(
            "kairos_shard", "Figures that a shard tells of itself", ["shard", "figure"], registry=self.registry
        )
        self._waiting = Gauge(
            "kairos_gateway_waiting", "Commands queued for a shard, not yet sent", ["shard"], registry=self.registry
        )
        self._stages = {stage: self._stage.labels(stage) for stage in _STAGES}
        self._calls: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._framed: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def answered(self, call: str, status: int, seconds: float, own_seconds: float, timing: Mapping[str, float]) -> None:
        """``own_seconds``: the part that the gateway itself worked. ``timing``: milliseconds by stage."""
        children = self._calls.get((call, status))
        if children is None:
            children = (self._requests.labels(call, str(status)), self._latency.labels(call))
            self._calls[(call, status)] = children
        children[0].inc()
        children[1].observe(seconds)
        self._stages["gateway"].observe(own_seconds)
        for stage, spent_ms in timing.items():
            known = self._stages.get(stage)
            if known is not None:
                known.observe(spent_ms / 1_000)

    def framed(self, call: str, status: int, seconds: float) -> None:
        """A frame was answered."""
        children = self._framed.get((call, status))
        if children is None:
            children = (self._frames.labels(call, str(status)), self._frame_latency.labels(call))
            self._framed[(call, status)] = children
        children[0].inc()
        children[1].observe(seconds)

    def stream_ended(self, code: int) -> None:
        self._streams_ended.labels(str(code)).inc()

    def expose(self, waiting: Mapping[int, int], shards: Mapping[int, Mapping[str, Any] | None]) -> bytes:
        """The text format. ``shards``: each one's status, None for one that does not answer."""
        for shard, count in waiting.items():
            self._waiting.labels(str(shard)).set(count)
        for shard, status in shards.items():
            self._shard.labels(str(shard), "up").set(0 if status is None else 1)
            for figure, value in _numbers(status or {}):
                self._shard.labels(str(shard), figure).set(value)
        return generate_latest(self.registry)


def _numbers(status: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Every number of a status by name, those one level down with the name of their group before them."""
    for name, value in status.items():
        if isinstance(value, int | float):
            yield prefix + name, value
        elif isinstance(value, Mapping) and not prefix:
            yield from _numbers(value, f"{name}_")
