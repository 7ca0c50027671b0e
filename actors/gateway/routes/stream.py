"""The stream's address asked without an upgrade: what to do there (see ``actors.gateway.stream`` for the stream)."""

from __future__ import annotations

from typing import Final

from actors.gateway.denied import ANY
from actors.gateway.exchange import Answer, Exchange
from actors.gateway.problems import Refused
from actors.gateway.routing import Route
from actors.gateway.services import Services
from actors.gateway.stream import PATH
from models import limits

_DESCRIPTION: Final = (
    'Connect here with a WebSocket; the key comes in the handshake (authorization: Bearer). A binary message holds one '
    'frame in msgpack, {"id": n, "call": "decisions", "body": {...}}, and is answered, as it finishes, by {"id": n, '
    '"status": 200, "body": {...}}. id is yours, from 0 to 2**64 - 1, and unique among the frames in flight; call is '
    "the path after /v1/ of a POST, which needs the scope that it needs over HTTP; body is the body of that call, and "
    "of its answer or its problem (with retry_after in seconds where HTTP has the header). Frames that name the same "
    "customer are applied in the order in which they were sent. Up to "
    f"{limits.STREAM_FRAMES_IN_FLIGHT_MAX} frames (with {limits.STREAM_ITEMS_IN_FLIGHT_MAX:,} elements of batches) of "
    "a connection are in flight, then it is not read until answers are. Close codes: 1001 the gateway stops, 1012 it "
    "restarts, 1003 a text message, 1007 no frame with an id, 1009 larger than any frame may be, 4401 the key was "
    "revoked or has expired, 4408 answers were not read, 4409 an id that is in flight. After any of them what was not "
    "answered may have been done: repeat it with the same ids of its own."
)


async def get_stream(services: Services, exchange: Exchange) -> Answer:
    raise Refused(
        426, "this is a WebSocket: connect with an upgrade, see /openapi.json",
        headers=((b"upgrade", b"websocket"),),
    )


ROUTES = (
    Route(
        "GET", PATH, ANY, get_stream, "stream", "WebSocket: POST calls as msgpack frames, many in flight",
        "stream", {}, (426,), description=_DESCRIPTION,
    ),
)
