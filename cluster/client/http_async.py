"""HTTP for the async client, over aiohttp: a quarter of the processor time that httpx takes for the same call."""

from __future__ import annotations

import asyncio
from typing import Final

import aiohttp
from yarl import URL

from cluster.client.address import Address
from cluster.client.errors import Closed
from cluster.client.wire import Lost, Reply, Request, retry_after_s
from models import limits


class AsyncHttp:
    """Connections are opened as they are needed, at most ``connections``, and kept for the next call."""

    def __init__(self, to: Address, accept: str, connections: int) -> None:
        self._to = to
        self._headers: Final = {"authorization": to.authorization, "accept": accept}
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False
        #: Parsed URLs of the paths without ids in them.
        self._urls: dict[str, URL] = {}

    async def send(self, request: Request, timeout_s: float) -> Reply:
        session = self.session()
        headers = {"content-type": request.media} if request.media else {}
        if request.headers:
            headers |= request.headers
        try:
            async with asyncio.timeout(timeout_s), session.request(
                request.method, self._url(request), data=request.body or None, headers=headers, allow_redirects=False,
            ) as answer:
                body = await answer.read()
        except TimeoutError:
            raise Lost(f"nothing came within {timeout_s:.3g} s") from None
        except aiohttp.ClientConnectorError as error:
            raise Lost(f"cannot connect: {error}", sent=False) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Lost(f"{type(error).__name__}: {error}") from error
        found = answer.headers
        return Reply(
            answer.status, body, found.get("content-type", ""), retry_after_s(found.get("retry-after")), found,
        )

    def session(self) -> aiohttp.ClientSession:
        """The session; made in the event loop that uses it first. Raises ``Closed``."""
        if self._is_closed:
            raise Closed("this client was closed")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers=self._headers, connector=aiohttp.TCPConnector(limit=self._connections),
                cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, timeout=aiohttp.ClientTimeout(),
                skip_auto_headers=("user-agent", "accept-encoding", "content-type"), trust_env=False,
            )
        return self._session

    async def close(self) -> None:
        self._is_closed = True
        if self._session is not None:
            await self._session.close()

    def _url(self, request: Request) -> URL:
        found = self._urls.get(request.path)
        if found is None:
            found = URL(self._to.url + request.path, encoded=True)
            if len(self._urls) < limits.CLIENT_URLS_KEPT_MAX:
                self._urls[request.path] = found
        return found
