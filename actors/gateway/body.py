"""From the bytes of a body to plain data, within the limits of size and depth, whatever the bytes are."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import msgpack
import orjson
from pydantic_core import PydanticCustomError

from actors.gateway.problems import Refused
from models import limits
from models.messages.fields import check_free

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_INNERMOST: Final = re.compile(rb"\[\]|\{\}")
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))


class ClientGone(Exception):
    """The caller closed the connection before its body was complete."""


async def read_body(receive: Receive, announced: bytes, bytes_max: int) -> bytes:
    """The whole body; ``announced`` is its content-length header. 413 as soon as it is known to be too large."""
    if announced.isdigit() and int(announced[:20]) > bytes_max:
        raise too_large(bytes_max)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body") and len(body) <= bytes_max:
        return body
    parts, size = [body], len(body)
    while True:
        if message["type"] != "http.request":
            raise ClientGone
        if size > bytes_max:
            raise too_large(bytes_max)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])


def too_large(bytes_max: int) -> Refused:
    return Refused(413, f"the body is larger than {bytes_max} bytes; send less at a time")


def decode(body: bytes, as_msgpack: bool) -> Any:
    """Plain data from JSON or msgpack. 400 for what is neither, nested too deep, NaN or infinity."""
    return _decode_msgpack(body) if as_msgpack else _decode_json(body)


def _decode_json(body: bytes) -> Any:
    if body.count(b"[") + body.count(b"{") > limits.BODY_DEPTH_MAX:
        _check_depth(body)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(400, f"the body is not JSON: {error}; NaN and infinity are none, and UTF-8 is needed") from error


def _check_depth(body: bytes) -> None:
    """Fold away the innermost brackets, one level at a time; what a bounded number of folds leaves is too deep."""
    brackets = _STRING.sub(b"", body).translate(None, _NOT_BRACKETS)
    for _ in range(limits.BODY_DEPTH_MAX):
        if not brackets:
            return
        folded = _INNERMOST.sub(b"", brackets)
        if len(folded) == len(brackets):
            return  # unbalanced: the parser says where
        brackets = folded
    if brackets:
        raise _too_deep()


def _too_deep() -> Refused:
    return Refused(400, f"the body is nested deeper than {limits.BODY_DEPTH_MAX} levels")


def _decode_msgpack(body: bytes) -> Any:
    value = unpack(body)
    check_plain(value)
    return value


def unpack(body: bytes) -> Any:
    """One msgpack value as it is. 400 for what is none, nested too deep for the parser, or an extension type."""
    try:
        return msgpack.unpackb(body, raw=False, strict_map_key=True, ext_hook=_refuse_extension)
    except Refused:
        raise
    except msgpack.StackError as error:
        raise _too_deep() from error
    except (ValueError, msgpack.UnpackException) as error:
        raise Refused(400, f"the body is not one msgpack value: {str(error)[:200] or type(error).__name__}") from error


def check_plain(value: Any) -> None:
    """400 for what JSON cannot say (NaN, infinity, bytes, large integers), or nested deeper than a body may be."""
    try:
        check_free(value)
    except PydanticCustomError as error:
        raise Refused(400, f"the body holds what is refused: {error.message()}") from error


def _refuse_extension(code: int, _: bytes) -> Any:
    raise Refused(400, f"the body holds a msgpack extension type ({code}); only what JSON can say is accepted")
