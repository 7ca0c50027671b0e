"""The reference: a Serve application that reads the body and sends it back, under the same settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ray import serve

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class EchoApp:
    """ASGI: lifespan and one answer."""

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    @staticmethod
    async def _lifespan(receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return


def _build() -> EchoApp:
    """Serve calls a builder without arguments; a class would be taken for the application itself."""
    return EchoApp()


def echo_app(replicas: int = 1) -> serve.Application:
    """One ingress deployment with as many replicas as the gateway it is compared with."""

    @serve.deployment(
        name="Echo", num_replicas=replicas, max_ongoing_requests=10_000, ray_actor_options={"num_cpus": 0},
    )
    @serve.ingress(_build)
    class Echo:
        """The deployment around the ASGI application."""

    return Echo.bind()
