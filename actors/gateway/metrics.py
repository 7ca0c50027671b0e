"""Prometheus figures of this gateway, and of the shards as they tell them when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from actors.gateway.figures import Answers, Spreads

_STAGES = ("gateway", "shard", "score", "commit")
_BUCKETS_S = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.008, 0.012, 0.02, 0.035, 0.06, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Answers(
            "kairos_requests", "Answered requests by call and status",
            "kairos_request_seconds", "From the request's head to its answer, by call", _BUCKETS_S,
        )
        self._frames = Answers(
            "kairos_stream_frames", "Answered frames of streams by call and status",
            "kairos_stream_frame_seconds", "From a frame's arrival to its answer, by call", _BUCKETS_S,
        )
        self._stage = Spreads(
            "kairos_stage_seconds", "Time by stage: gateway without waiting, shard, score, commit", "stage", _BUCKETS_S,
        )
        for collector in (self._requests, self._frames, self._stage):
            self.registry.register(collector)
        self.streams = Gauge("kairos_streams_open", "Streams that are open", registry=self.registry)
        self._streams_ended = Counter(
            "kairos_streams_ended", "Streams that have ended, by close code", ["code"], registry=self.registry
        )
        self._shard = Gauge(
            "kairos_shard", "Figures that a shard tells of itself", ["shard", "figure"], registry=self.registry
        )
        self._waiting = Gauge(
            "kairos_gateway_waiting", "Commands queued for a shard, not yet sent", ["shard"], registry=self.registry
        )
        self._stages = {stage: self._stage.of(stage) for stage in _STAGES}

    def answered(self, call: str, status: int, seconds: float, own_seconds: float, timing: Mapping[str, float]) -> None:
        """``own_seconds``: the part that the gateway itself worked. ``timing``: milliseconds by stage."""
        self._requests.note(call, status, seconds)
        self._stages["gateway"].observe(own_seconds)
        for stage, spent_ms in timing.items():
            known = self._stages.get(stage)
            if known is not None:
                known.observe(spent_ms / 1_000)

    def framed(self, call: str, status: int, seconds: float) -> None:
        """A frame was answered."""
        self._frames.note(call, status, seconds)

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
