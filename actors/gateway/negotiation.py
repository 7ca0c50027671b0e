"""JSON or msgpack, in and out: as the content type says, and as ``accept`` asks (by default as it was asked)."""

from __future__ import annotations

from typing import Any, Final

import msgpack
import orjson

from models import canonical

JSON: Final = b"application/json"
MSGPACK: Final = b"application/msgpack"
PROBLEM_JSON: Final = b"application/problem+json"
PROBLEM_MSGPACK: Final = b"application/problem+msgpack"
YAML: Final = (b"application/yaml", b"text/yaml", b"application/x-yaml", b"text/x-yaml")


def media_type(header: bytes) -> bytes:
    """The bare media type of a content-type header, lower case."""
    return header.partition(b";")[0].strip().lower()


def is_msgpack(media: bytes) -> bool:
    return media.endswith((b"/msgpack", b"/x-msgpack", b"/vnd.msgpack", b"+msgpack"))


def wants_msgpack(accept: bytes, asked_in_msgpack: bool) -> bool:
    """What ``accept`` prefers among the two; what was sent when it does not say."""
    if not accept or accept == b"*/*":
        return asked_in_msgpack
    best, answer = 0.0, asked_in_msgpack
    for offer in accept.split(b","):
        media = media_type(offer)
        if is_msgpack(media):
            choice = True
        elif media.endswith((b"/json", b"+json")):
            choice = False
        else:
            continue
        quality = _quality(offer)
        if quality > best:
            best, answer = quality, choice
    return answer


def _quality(offer: bytes) -> float:
    for parameter in offer.split(b";")[1:]:
        name, _, value = parameter.strip().partition(b"=")
        if name.strip().lower() == b"q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def encode(value: Any, as_msgpack: bool) -> bytes:
    return canonical.pack(value) if as_msgpack else orjson.dumps(value)


def recode(packed: bytes, as_msgpack: bool) -> bytes:
    """A shard's msgpack as the caller wants it: the same bytes for the same reply, in either encoding."""
    if as_msgpack:
        return packed
    return orjson.dumps(msgpack.unpackb(packed))


def content_type(status: int, as_msgpack: bool) -> bytes:
    if status >= 400:
        return PROBLEM_MSGPACK if as_msgpack else PROBLEM_JSON
    return MSGPACK if as_msgpack else JSON
