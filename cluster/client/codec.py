"""The two encodings of the contract. Times may be given as ``datetime``; one without an offset is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import msgpack
import orjson

from models.errors import BadInput

#: Bytes that a packer reserves at first; the library's own start is a megabyte.
_PACK_BYTES: Final = 2_048
Encoding = Literal["msgpack", "json"]


@dataclass(frozen=True, slots=True)
class Codec:
    media: str
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise BadInput(f"the time {value.isoformat()} has no offset; give it one, e.g. tzinfo=UTC")
        return value.isoformat()
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    raise BadInput(f"a {type(value).__name__} cannot be sent; use text, numbers, bools, lists, maps and datetimes")


def _to_msgpack(value: Any) -> bytes:
    packed: bytes = msgpack.Packer(default=_plain, buf_size=_PACK_BYTES).pack(value)
    return packed


def _from_msgpack(body: bytes) -> Any:
    return msgpack.unpackb(body, strict_map_key=False)


def _to_json(value: Any) -> bytes:
    try:
        return orjson.dumps(value, _plain, orjson.OPT_PASSTHROUGH_DATETIME)
    except orjson.JSONEncodeError as error:
        if isinstance(error.__cause__, BadInput):
            raise error.__cause__ from None
        raise BadInput(f"this cannot be sent as JSON: {error}") from error


MSGPACK: Final = Codec("application/msgpack", _to_msgpack, _from_msgpack)
JSON: Final = Codec("application/json", _to_json, orjson.loads)
CODECS: Final[dict[Encoding, Codec]] = {"msgpack": MSGPACK, "json": JSON}


def decode(media: str, body: bytes) -> Any:
    """A body by its content type. Raises ``ValueError`` on one that is not what it says."""
    kind = media.partition(";")[0].strip().lower()
    if kind.endswith(("/msgpack", "/x-msgpack", "+msgpack")):
        try:
            return _from_msgpack(body)
        except (msgpack.UnpackException, ValueError) as error:
            raise ValueError(f"not msgpack: {error}") from error
    return orjson.loads(body)
