"""From a WebSocket request to a stream, or to the problem document that says why not."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

from actors.access import KeyRecord
from actors.access.interface import KeysWanted
from actors.gateway import negotiation
from actors.gateway.body import Receive, Send
from actors.gateway.denied import ANY
from actors.gateway.exchange import Exchange
from actors.gateway.problems import Refused
from actors.gateway.stream import PATH
from actors.gateway.stream.hub import Streams

_OUR_CODES: Final = 4_000
#: What asking for a stream is called where refusals are put down.
STREAM_CALL: Final = "stream"


async def serve(streams: Streams, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    """One WebSocket connection from its request to its end."""
    await receive()  # websocket.connect
    exchange = Exchange({**scope, "method": "GET"}, receive)
    try:
        if scope["path"] != PATH:
            raise Refused(404, f"there is no such stream; connect to {PATH}")
        exchange.parse_query(())
        key = await _admitted(streams, exchange)
        streams.check_room(key)
    except Refused as refused:
        streams.services.deny(refused, STREAM_CALL, exchange)
        await _refuse(refused, exchange, scope, send)
        return
    await streams.serve(key, exchange.peer, receive, send)


async def _admitted(streams: Streams, exchange: Exchange) -> KeyRecord:
    authoriser = streams.services.authoriser
    try:
        return authoriser.admit(exchange.authorization, ANY)
    except KeysWanted:
        return await authoriser.admit_later(exchange.authorization, ANY)


async def _refuse(refused: Refused, exchange: Exchange, scope: MutableMapping[str, Any], send: Send) -> None:
    """The answer that HTTP would give; a server that cannot send one refuses with the status as a close code."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        code = _OUR_CODES + refused.status
        await send({"type": "websocket.close", "code": code, "reason": refused.detail[:100]})
        return
    body = negotiation.encode(refused.body(exchange.request_id), exchange.as_msgpack)
    headers = [
        (b"content-type", negotiation.content_type(refused.status, exchange.as_msgpack)),
        (b"content-length", b"%d" % len(body)), *refused.headers,
    ]
    await send({"type": "websocket.http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
