"""Where a link listens, and which life of its process that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from models import canonical


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int
    #: 16 random bytes, new with every ``LinkServer``: whoever listens there later is not mistaken for it.
    incarnation: bytes

    def to_wire(self) -> bytes:
        return canonical.pack([self.host, self.port, self.incarnation])

    @classmethod
    def from_wire(cls, wire: bytes) -> Self:
        host, port, incarnation = canonical.unpack(wire)
        return cls(host, port, incarnation)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}/{self.incarnation.hex()[:8]}"
