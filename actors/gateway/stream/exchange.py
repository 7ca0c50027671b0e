"""A frame as the routes see it: the same exchange as over HTTP, around a body that is plain data already."""

from __future__ import annotations

from typing import Any, Final

from actors.access import KeyRecord
from actors.gateway.body import check_plain, too_large
from actors.gateway.exchange import Exchange
from actors.gateway.negotiation import MSGPACK
from models import limits

_HEADERS: Final = ((b"content-type", MSGPACK),)


class FrameExchange(Exchange):
    __slots__ = ("_size", "body")

    def __init__(self, key: KeyRecord, body: Any, size: int, scope: dict[str, Any]) -> None:
        """``scope``: see ``frame_scope``. ``size``: the bytes of the whole frame, which may be as long as the body of
        its call over HTTP."""
        super().__init__(scope, _nothing)
        self.key = key
        self.body = body
        self._size = size

    async def data(self, bytes_max: int = limits.BODY_BYTES_MAX) -> Any:
        if self._size > bytes_max:
            raise too_large(bytes_max)
        check_plain(self.body)
        return self.body


def frame_scope(peer: str) -> dict[str, Any]:
    """What all frames of a connection from ``peer`` have in common."""
    return {"method": "POST", "headers": _HEADERS, "client": (peer, 0)}


async def _nothing() -> dict[str, Any]:
    """A frame has no more parts."""
    return {"type": "http.disconnect"}
