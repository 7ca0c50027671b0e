"""The payload of a journal row: one turn of a shard, in msgpack.

``{"t": clock, "s": turn seed, "f": [shard fact wires], "g": [[customer, generation, public, sealed], ...]}``.
``public`` is in the clear and names nobody; ``sealed`` is the customer's list of fact wires, sealed with its key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from models.canonical import pack, unpack


class RowSegment(NamedTuple):
    """A tuple, so that it is packed as it is."""

    customer: bytes
    generation: int
    public: dict[str, Any]
    sealed: bytes


@dataclass(frozen=True, slots=True)
class TurnRow:
    now_ms: int
    turn_seed: bytes
    #: Wires of ``models.turn.shard_facts``.
    shard_facts: Sequence[list[Any]] = ()
    segments: Sequence[RowSegment] = ()


def pack_row(row: TurnRow) -> bytes:
    return pack({
        "t": row.now_ms, "s": row.turn_seed, "f": list(row.shard_facts),
        "g": row.segments,
    })


def unpack_row(payload: bytes) -> TurnRow:
    raw = unpack(payload)
    return TurnRow(raw["t"], raw["s"], raw["f"], [RowSegment(*part) for part in raw["g"]])
