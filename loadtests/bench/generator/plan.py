"""What one run of the generator shall do, and what it found: both plain JSON between two processes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Mode = Literal["closed", "open", "stream"]


@dataclass(frozen=True, slots=True)
class Plan:
    """``source`` names the maker of the bodies in ``sources``; ``tag`` keeps the ids of two runs apart."""

    mode: Mode
    port: int
    path: str
    source: str
    tag: str
    key: str = ""
    #: Bodies to prepare; a closed loop ends when they are used up or when ``seconds`` are over.
    count: int = 0
    connections: int = 64
    #: Frames in flight per connection; of the stream only.
    in_flight: int = 1
    seconds: float = 5.0
    #: Arrivals per second; of the open loop only.
    rate: float = 0.0
    #: File for one line per answer, see ``traces``; "": none is written.
    trace: str = ""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        return cls(**json.loads(text))


@dataclass(slots=True)
class Result:
    """One round. Latencies in milliseconds; of an open loop counted from the moment each request was due."""

    answered: int = 0
    per_s: float = 0.0
    seconds: float = 0.0
    #: Status (0: the connection broke) -> how often; 200 is not listed.
    errors: dict[str, int] = field(default_factory=dict)
    #: Answers that say ``degraded: true``: decided without the scorer.
    degraded: int = 0
    bytes_in: int = 0
    #: CPU seconds of the generator per second: 1.0 is one core, and from 0.8 on it may be the bottleneck.
    generator_cpu: float = 0.0
    #: Open loop: how late the generator itself sent, median; a free connection was there.
    sent_late_ms: float = 0.0
    p50_ms: float = 0.0
    p90_ms: float = 0.0
    p99_ms: float = 0.0
    p999_ms: float = 0.0
    max_ms: float = 0.0
    #: (percentile, milliseconds) for the plot.
    curve: list[tuple[float, float]] = field(default_factory=list)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Result:
        found: dict[str, Any] = json.loads(text)
        found["curve"] = [(share, ms) for share, ms in found["curve"]]
        return cls(**found)

    @property
    def failed(self) -> int:
        return sum(self.errors.values())
