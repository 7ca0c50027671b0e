"""What a shard is told at its start: plain values, so that they cross a process boundary as a dict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Self

from models import limits
from models.times import parse_time_ms

#: Where the trees are: in the replicas of the Serve deployment, or in each shard.
SERVE: Final = "serve"
IN_PROCESS: Final = "in_process"


@dataclass(frozen=True, slots=True)
class ShardSettings:
    shard: int
    #: How many shards the installation has (chosen once).
    shards: int
    data_dir: str
    #: Every move of the shard makes the next one; the store takes none that is older than the newest it knows.
    incarnation: int = 1
    #: Begin by following the log, until ``serve`` is called.
    standby: bool = False
    scorer: str = SERVE
    manual_clock: bool = False
    #: Where a manual clock begins.
    clock_ms: int = 0
    #: Memory that profiles may take, and how many of them stay unpacked.
    resident_bytes: int = limits.RESIDENT_BYTES_DEFAULT
    hot_profiles: int = limits.HOT_PROFILES_DEFAULT
    retention_ms: int = limits.JOURNAL_RETENTION_MS
    checkpoint_turns: int = limits.CHECKPOINT_TURNS
    checkpoint_segments: int = limits.CHECKPOINT_SEGMENTS
    checkpoint_bytes: int = limits.CHECKPOINT_BYTES
    #: Where it listens (see ``actors.link``): "" for this node's own address, None for nowhere.
    link_host: str | None = None

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """From the dict that the composition root passes; unknown keys are for others. ``clock`` is ``wall``,
        ``manual`` (then ``clock_ms`` says where it begins) or ``manual:TIME``."""
        mode, _, begin = str(plain.get("clock", "wall")).partition(":")
        own = {one.name for one in fields(cls)}
        values = {name: value for name, value in plain.items() if name in own}
        values["clock_ms"] = parse_time_ms(begin) if begin else int(plain.get("clock_ms", 0))
        return cls(**{**values, "manual_clock": mode == "manual"})
