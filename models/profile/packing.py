"""A profile as bytes: what passivation and checkpoints store (called by the shard). Msgpack, and zlib level 1 over it.

Times are delta-coded columns, and a column that several features share (all aggregates of one event type do) is stored,
and afterwards held, once. Ledger entries that look alike share a shape. Unpacking needs no plan: each aggregate carries
the hash of its definition. 20 features over 50 events take 1 to 1.5 kB; not compressed, twice that.
"""

from __future__ import annotations

import zlib
from typing import Any

import msgpack

from models.errors import InvariantBroken
from models.profile import exposures, packing_ledger, packing_windows
from models.profile.cache import Cache
from models.profile.learnt import Exposure, Score
from models.profile.packing_columns import Columns, ColumnTable
from models.profile.state import Profile

#: The layout's number, first in every packed profile.
LAYOUT = 3
_BIG_INTEGER = 1
#: First byte of what zlib makes with its largest window, and of no msgpack array.
_ZLIB = 0x78


def pack(profile: Profile) -> bytes:
    """Bytes from which ``unpack`` makes an equal profile (the cache aside), as small as they get."""
    return compress(pack_fast(profile))


def pack_fast(profile: Profile) -> bytes:
    """The same in two thirds of the time and twice the bytes, for what is soon packed again."""
    table = ColumnTable()
    windows = [packing_windows.encode(id_, aggregate, table) for id_, aggregate in profile.windows.items()]
    marks = [[id_, table.add(times)] for id_, times in profile.marks.items()]
    plain = [
        LAYOUT, profile.customer_id, profile.state_version, profile.last_ms, profile.generation, profile.attributes,
        profile.consent, table.columns, windows, marks, packing_ledger.encode(profile.ledger),
        [(id_, e.variant, e.exposed_ms, e.until_ms, e.observed, e.accepts, e.value_micros)
         for id_, e in profile.experiments.items()],
        [(id_, score.value, score.version, score.at_ms) for id_, score in profile.scores.items()],
    ]
    packed: bytes = msgpack.packb(plain, default=_big_integer)
    return packed


def compress(packed: bytes) -> bytes:
    """What ``pack`` would have made of the same profile."""
    return packed if packed[0] == _ZLIB else zlib.compress(packed, 1)


def compressed_bytes(packed: bytes) -> int:
    """How long it is compressed; about so where it is not."""
    return len(packed) if packed[0] == _ZLIB else len(packed) * 4 // 7


def unpack(data: bytes) -> Profile:
    """The inverse of ``pack`` and of ``pack_fast``. Raises ``InvariantBroken`` for bytes of another layout."""
    plain = msgpack.unpackb(zlib.decompress(data) if data[0] == _ZLIB else data, ext_hook=_from_extension)
    if plain[0] != LAYOUT:
        raise InvariantBroken(f"a packed profile of layout {plain[0]!r}; this version reads {LAYOUT}")
    (
        _, customer_id, version, last_ms, generation, attributes, consent, packed_columns, windows, marks, ledger,
        experiments, scores,
    ) = plain
    columns = Columns(packed_columns)
    profile = Profile(
        customer_id, version, last_ms, attributes, consent,
        windows=dict(packing_windows.decode(wire, columns) for wire in windows),
        marks={id_: columns[at] for id_, at in marks},
        experiments={id_: Exposure(*wire) for id_, *wire in experiments},
        scores={id_: Score(*wire) for id_, *wire in scores},
        generation=generation, cache=Cache(),
    )
    packing_ledger.decode(ledger, profile)
    exposures.set_timers(profile)
    return profile


def _big_integer(value: Any) -> msgpack.ExtType:
    """Integers beyond 64 bits, which sums of large fields can reach."""
    if not isinstance(value, int):
        raise TypeError(f"a profile holds a {type(value).__name__}, which cannot be packed")
    return msgpack.ExtType(_BIG_INTEGER, str(value).encode())


def _from_extension(code: int, data: bytes) -> int:
    if code != _BIG_INTEGER:
        raise InvariantBroken(f"a packed profile holds the unknown extension {code}")
    return int(data)
