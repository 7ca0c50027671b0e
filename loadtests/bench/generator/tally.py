"""What a run counts while it runs, and the result that it makes of it."""

from __future__ import annotations

import statistics
import time
from array import array
from collections import Counter

from loadtests.bench.generator.percentiles import curve, percentile
from loadtests.bench.generator.plan import Result
from loadtests.bench.generator.traces import Trace

#: JSON and msgpack.
_DEGRADED = (b'"degraded":true', b"\xa8degraded\xc3")
_OK = 200


class Tally:
    """Starts its clocks when it is made. ``trace``: a file for every answer; "": none."""

    def __init__(self, trace: str = "") -> None:
        self._trace = Trace(trace) if trace else None
        self._latencies = array("d")
        self._late = array("d")
        self._errors: Counter[str] = Counter()
        self._degraded = 0
        self._bytes = 0
        self.begin = time.perf_counter()
        self._last = self.begin
        self._cpu = time.process_time()

    def answered(self, since: float, at: float, status: int, raw: bytes) -> None:
        self._last = at
        self._bytes += len(raw)
        if self._trace is not None:
            self._trace.answered(since, at, status, raw)
        if status != _OK:
            self._errors[str(status)] += 1
            return
        self._latencies.append(at - since)
        for mark in _DEGRADED:
            self._degraded += raw.count(mark)

    def sent_late(self, seconds: float) -> None:
        self._late.append(seconds)

    def result(self) -> Result:
        seconds = max(self._last - self.begin, 1e-9)
        cpu = time.process_time() - self._cpu
        if self._trace is not None:
            self._trace.write()
        ordered = sorted(latency * 1e3 for latency in self._latencies)
        return Result(
            answered=len(ordered), per_s=len(ordered) / seconds, seconds=seconds, errors=dict(self._errors),
            degraded=self._degraded, bytes_in=self._bytes, generator_cpu=cpu / seconds,
            sent_late_ms=statistics.median(self._late) * 1e3 if self._late else 0.0,
            p50_ms=percentile(ordered, 50), p90_ms=percentile(ordered, 90), p99_ms=percentile(ordered, 99),
            p999_ms=percentile(ordered, 99.9), max_ms=ordered[-1] if ordered else 0.0, curve=curve(ordered),
        )
