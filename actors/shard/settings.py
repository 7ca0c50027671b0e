"""What a shard is told at its start: plain values, so that they cross a process boundary as a dict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from models import limits


@dataclass(frozen=True, slots=True)
class ShardSettings:
    shard: int
    #: How many shards the installation has (chosen once).
    shards: int
    data_dir: str
    #: "wall" | "manual"
    clock: str = "wall"
    #: Where a manual clock begins (ms).
    clock_ms: int = 0
    #: Memory that profiles may take, and how many of them stay unpacked.
    resident_bytes: int = limits.RESIDENT_BYTES_DEFAULT
    hot_profiles: int = limits.HOT_PROFILES_DEFAULT
    retention_ms: int = limits.JOURNAL_RETENTION_MS
    checkpoint_turns: int = limits.CHECKPOINT_TURNS
    checkpoint_segments: int = limits.CHECKPOINT_SEGMENTS
    checkpoint_bytes: int = limits.CHECKPOINT_BYTES

    @classmethod
    def from_plain(cls, values: dict[str, Any]) -> Self:
        return cls(**values)

    @property
    def directory(self) -> Path:
        return Path(self.data_dir) / "shards" / str(self.shard)

    @property
    def is_manual(self) -> bool:
        return self.clock == "manual"
