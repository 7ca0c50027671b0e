"""A client's transport through one of httpx: an application or a function in the test's own process, no socket."""

from __future__ import annotations

import httpx

from cluster.client import Lost, Reply, Request
from cluster.client.wire import retry_after_s


class ThroughHttpx:
    def __init__(self, transport: httpx.AsyncBaseTransport, key: str) -> None:
        headers = {"authorization": f"Bearer {key}", "accept": "application/msgpack"}
        self._http = httpx.AsyncClient(base_url="http://kairos", transport=transport, headers=headers)

    async def send(self, request: Request, timeout_s: float) -> Reply:
        headers = {**(request.headers or {}), **({"content-type": request.media} if request.media else {})}
        try:
            answer = await self._http.request(
                request.method, request.path, content=request.body or None, headers=headers, timeout=timeout_s,
            )
        except httpx.TransportError as error:
            raise Lost(str(error), sent=not isinstance(error, httpx.ConnectError)) from error
        found = answer.headers
        return Reply(
            answer.status_code, answer.content, found.get("content-type", ""), retry_after_s(found.get("retry-after")),
            found,
        )

    async def close(self) -> None:
        await self._http.aclose()
