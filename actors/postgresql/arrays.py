"""Arrays of integers for statements over many rows: always 8 bytes each, however small the numbers of a call are, so
that a prepared statement fits every call. (A plain list of integers gets the type of its largest.)"""

from __future__ import annotations

import struct
from itertools import chain, repeat
from typing import Any, Final

from psycopg import pq
from psycopg.adapt import Dumper

_INT8_OID: Final = 20
_INT8_ARRAY_OID: Final = 1016
_BYTES: Final = 8


class Bigints(list[int]):
    """A parameter of type ``bigint[]``."""


class BigintsDumper(Dumper):
    format = pq.Format.BINARY
    oid = _INT8_ARRAY_OID

    def dump(self, obj: Any) -> bytes:
        """Dimensions, a flag for nulls, the type, then length and first index of the one dimension, then the values,
        each behind its length (PostgreSQL's ``array_recv``)."""
        if not obj:
            return struct.pack("!iiI", 0, 0, _INT8_OID)
        values = chain.from_iterable(zip(repeat(_BYTES), obj, strict=False))
        return struct.pack(f"!iiIii{'iq' * len(obj)}", 1, 0, _INT8_OID, len(obj), 1, *values)
