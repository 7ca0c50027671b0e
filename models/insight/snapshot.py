"""What survives a crash: counts, how far each shard was counted, and what the facts to come are called. No id of a
customer or a decision is in it, and no request."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from models import limits
from models.canonical import pack, unpack
from models.errors import JournalFailed
from models.insight.history import History
from models.insight.names import Names

#: Of this layout; one of another is not read.
VERSION: Final = 1


@dataclass(slots=True)
class Snapshot:
    #: How many shards the installation had.
    shards: int
    history: History = field(default_factory=History)
    #: Shard -> the newest row that is counted.
    positions: dict[int, int] = field(default_factory=dict)
    #: Version of a catalog -> its names, in the order in which shards were seen to adopt them.
    names: dict[str, Names] = field(default_factory=dict)
    #: Version -> the clock of its newest adoption.
    adopted_ms: dict[str, int] = field(default_factory=dict)

    def learn(self, names: Names, clock_ms: int) -> None:
        """A shard has adopted a catalog."""
        self.names.pop(names.version, None)
        self.names[names.version] = names
        self.adopted_ms[names.version] = max(clock_ms, self.adopted_ms.get(names.version, 0))
        while len(self.names) > limits.INSIGHT_CATALOGS_MAX:
            gone = next(version for version in self.names if version != self.live_version)
            del self.names[gone], self.adopted_ms[gone]

    @property
    def live_version(self) -> str | None:
        """Of the catalog that was adopted last by the journals' clock."""
        return max(self.adopted_ms, key=lambda version: (self.adopted_ms[version], version), default=None)

    @property
    def live_names(self) -> Names | None:
        version = self.live_version
        return None if version is None else self.names[version]

    def pack(self) -> bytes:
        return pack([
            VERSION, self.shards, self.history.to_wire(), sorted(self.positions.items()),
            [[self.adopted_ms[names.version], names.to_wire()] for names in self.names.values()],
        ])

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Raises ``JournalFailed`` for what this release cannot read."""
        try:
            version, *content = unpack(data)
            if version != VERSION:
                raise JournalFailed(f"Insight's snapshot has layout {version}, this release reads {VERSION}")
            return cls._of(content)
        except (zlib.error, ValueError, TypeError, LookupError) as error:
            raise JournalFailed(f"Insight's snapshot cannot be read ({type(error).__name__})") from error

    @classmethod
    def _of(cls, content: Sequence[Any]) -> Self:
        shards, history, positions, names = content
        found = cls(shards, History.from_wire(history), dict(positions))
        for adopted_ms, wire in names:
            found.learn(Names.from_wire(wire), adopted_ms)
        return found
