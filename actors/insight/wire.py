"""What a shard feeds (``actors.shard.feed``), as ``models.insight.rows`` takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.canonical import unpack
from models.insight.rows import Part, Row
from models.turn.shard_facts import CatalogAdopted


@dataclass(frozen=True, slots=True)
class Adopted:
    """A catalog that a shard adopted, as plain data."""

    version: str
    catalog: dict[str, Any]
    clock_ms: int


@dataclass(frozen=True, slots=True)
class Page:
    rows: Sequence[Row]
    #: The shard's newest row.
    last: int
    #: In the order in which they were adopted; the one in force where a truncated journal begins comes first.
    adopted: Sequence[Adopted]
    #: Where a truncated journal begins, when rows before it were asked for.
    base_seq: int | None


def page_of(data: bytes) -> Page:
    told = unpack(data)
    base, adopted = told["base"], []
    if base is not None and base["catalog"] is not None:
        adopted.append(Adopted("", base["catalog"], base["t"]))
    rows = []
    for seq, clock_ms, shard_facts, parts in told["rows"]:
        for wire in shard_facts:
            fact = CatalogAdopted(*wire[1:])
            adopted.append(Adopted(fact.version, fact.catalog, clock_ms))
        rows.append(Row(seq, clock_ms, [Part(part[0], part[2], part[3] if part[2] is None else ()) for part in parts]))
    return Page(rows, told["last"], adopted, None if base is None else base["seq"])
