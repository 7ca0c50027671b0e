"""One request and its answer, as the routes see them: no ASGI beyond this point."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, unquote_to_bytes

from pydantic import BaseModel, ValidationError

from actors.access import KeyRecord
from actors.gateway.body import Receive, decode, read_body
from actors.gateway.negotiation import is_msgpack, media_type, wants_msgpack
from actors.gateway.problems import bad_field, from_validation
from models import limits

M = TypeVar("M", bound=BaseModel)
#: Set by HAProxy to the address that it sees, whatever the client sent.
PEER_HEADER: Final = b"x-kairos-peer"
_PEER_CHARS_MAX: Final = 64


@dataclass(slots=True)
class Answer:
    """Exactly one of ``value`` (plain data), ``packed`` (msgpack from a shard) and ``raw`` (with its media type)."""

    status: int
    value: Any = None
    packed: bytes | None = None
    raw: bytes | None = None
    media: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    #: Milliseconds by stage ("shard", "score", "commit"), for ``server-timing``.
    timing: dict[str, float] = field(default_factory=dict)
    #: The part of the request's time in which the gateway waited for others.
    waited_s: float = 0.0


class Exchange:
    """What came with a request. ``key`` is set once the caller is known; ``segments`` by the router."""

    __slots__ = (
        "_announced", "_query", "_receive", "_request_id", "_scope", "accept", "as_msgpack", "authorization",
        "if_match", "if_none_match", "key", "media", "method", "path_ids", "query", "segments",
        "sent_msgpack", "traceparent",
    )

    def __init__(self, scope: Any, receive: Receive) -> None:
        self.method: str = scope["method"]
        self._receive = receive
        self._scope = scope
        self._query: bytes = scope.get("query_string", b"")
        self._request_id = ""
        self.key: KeyRecord | None = None
        self.segments: list[bytes] = []
        self.path_ids: tuple[str, ...] = ()
        self.query: dict[str, str] = {}
        self.authorization = self.accept = self._announced = content_type = b""
        self.if_match = self.if_none_match = b""
        #: As the caller sent it: not checked yet, and used for traces alone.
        self.traceparent = b""
        for name, value in scope["headers"]:
            if name == b"authorization":
                self.authorization = value
            elif name == b"content-type":
                content_type = value
            elif name == b"accept":
                self.accept = value
            elif name == b"content-length":
                self._announced = value
            elif name == b"if-match":
                self.if_match = value
            elif name == b"if-none-match":
                self.if_none_match = value
            elif name == b"traceparent":
                self.traceparent = value
        self.media = media_type(content_type) if content_type else b""
        self.sent_msgpack = is_msgpack(self.media)
        self.as_msgpack = wants_msgpack(self.accept, self.sent_msgpack)

    @property
    def request_id(self) -> str:
        """The caller's, once the body is known; else one made here."""
        if not self._request_id:
            self._request_id = os.urandom(16).hex()
        return self._request_id

    @property
    def caller(self) -> KeyRecord:
        assert self.key is not None, "the route is public"
        return self.key

    @property
    def peer(self) -> str:
        """The address of who asks, "" when it is not known."""
        return peer_of(self._scope)

    def adopt_request_id(self, data: Any) -> None:
        """Take over ``request_id`` from a body that may be wrong otherwise."""
        given = data.get("request_id") if type(data) is dict else None
        if type(given) is str and 0 < len(given) <= limits.ID_CHARS_MAX:
            self._request_id = given

    async def read(self, bytes_max: int = limits.BODY_BYTES_MAX) -> bytes:
        return await read_body(self._receive, self._announced, bytes_max)

    async def data(self, bytes_max: int = limits.BODY_BYTES_MAX) -> Any:
        """The body as plain data. Raises 400 and 413."""
        return decode(await self.read(bytes_max), self.sent_msgpack)

    def parse_query(self, known: tuple[str, ...]) -> None:
        """Fill ``query``; 422 for a parameter that is unknown or given twice."""
        if not self._query:
            return
        text = self._query.decode("ascii", "replace")
        if len(text) > limits.TEXT_CHARS_MAX:
            raise bad_field(["query"], f"longer than {limits.TEXT_CHARS_MAX} characters")
        try:
            pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=50)
        except ValueError as error:
            raise bad_field(["query"], f"cannot be read: {error}") from error
        for name, value in pairs:
            if name not in known:
                listed = ", ".join(known) or "none"
                raise bad_field(["query", name[:100]], f"unknown parameter; known: {listed}")
            if name in self.query:
                raise bad_field(["query", name], "given twice")
            self.query[name] = value

    def parse_path(self, names: tuple[str, ...]) -> None:
        """Fill ``path_ids`` from the segments that stand for ids. Raises 422."""
        self.path_ids = tuple(map(path_id, self.segments, names))

    def query_int(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number from the query within [least, most]. Raises 422."""
        text = self.query.get(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdigit() or len(text) > 19 or not least <= int(text) <= most:
            raise bad_field(["query", name], f"give a whole number from {least} to {most}")
        return int(text)

    def query_bool(self, name: str) -> bool:
        text = self.query.get(name, "false")
        if text not in ("true", "false"):
            raise bad_field(["query", name], "give true or false")
        return text == "true"


def peer_of(scope: Any) -> str:
    """The address that HAProxy saw, or that of the connection."""
    for name, value in scope["headers"]:
        if name == PEER_HEADER:
            return str(value.decode("ascii", "replace"))[:_PEER_CHARS_MAX]
    client = scope.get("client")
    return str(client[0])[:_PEER_CHARS_MAX] if client else ""


def validate(model: type[M], data: Any) -> M:
    """``data`` as the model; 422 with every field that is wrong."""
    if type(data) is not dict:
        raise bad_field(["body"], "the body is not an object")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise from_validation(error) from error


def path_id(segment: bytes, name: str) -> str:
    """An id from a percent-encoded path segment. Raises 422 when it is no UTF-8 or too long."""
    raw = unquote_to_bytes(segment)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise bad_field(["path", name], "not UTF-8") from error
    if not 0 < len(text) <= limits.ID_CHARS_MAX:
        raise bad_field(["path", name], f"give 1 to {limits.ID_CHARS_MAX} characters")
    return text
