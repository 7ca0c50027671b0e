"""A call before it is sent: what it asks, how its answer is read, what of it may have to be asked again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote, urlencode

from cluster.client.codec import MSGPACK, Codec
from cluster.client.wire import Reply, Request

T_co = TypeVar("T_co", covariant=True)

#: The calls that a stream carries, and their names there. All others go over HTTP.
STREAMED: Final = {
    f"/v1/{name}": name for name in ("decisions", "decisions:batch", "events", "outcomes", "explanations")
}


class Call(Generic[T_co]):
    """One call. Its ids are made already, so each request that it makes is for the same effect."""

    #: Compares with what is there: see ``retry.may_repeat``.
    conditional = False

    def __init__(
        self, method: str, path: str, read: Callable[[Reply], T_co], *, body: Any = None,
        query: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None, media: str = "",
        timeout_s: float | None = None,
    ) -> None:
        """``body``: any value, or bytes and text as they are (JSON, unless ``media`` says otherwise)."""
        self.method = method
        self.path = f"{path}?{urlencode(asked)}" if query and (asked := _given(query)) else path
        self.name = f"{method} {path}"
        #: For how long the caller waits for this call; None: as the client does.
        self.timeout_s = timeout_s
        self._read = read
        self._body = body
        self._headers = headers
        self._media = media

    def request(self, left_s: float, codec: Codec) -> Request:
        """The next attempt's request; ``left_s`` is what remains of the caller's time."""
        body = self._body
        if body is None:
            return Request(self.method, self.path, headers=self._headers)
        if isinstance(body, str | bytes):
            raw = body.encode() if isinstance(body, str) else body
            return Request(self.method, self.path, raw, self._media or "application/json", self._headers)
        stream = STREAMED.get(self.path) if codec is MSGPACK else None
        return Request(self.method, self.path, codec.encode(body), codec.media, self._headers, stream)

    def attempt_s(self, left_s: float) -> float:
        """How long one attempt may take."""
        return left_s

    def read(self, reply: Reply) -> T_co:
        return self._read(reply)

    def is_finished(self) -> bool:
        """False when parts of what was read must be asked again."""
        return True


def path_of(template: str, *ids: str) -> str:
    """A path with ids in it; whatever an id holds, it stays one segment."""
    return template.format(*(quote(one, safe="") for one in ids))


def _given(query: Mapping[str, Any]) -> dict[str, str]:
    return {name: _text(value) for name, value in query.items() if value is not None}


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
