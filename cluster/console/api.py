"""The calls behind a page: over kept connections, with the viewer's own key, never repeated when they change things."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import httpx
import orjson

from cluster.console.kept import KeptAnswers
from cluster.console.problems import PageProblem, Problem, SessionOver, Unreached, of_status
from models import limits

Params = Mapping[str, str | int | float | bool | None]
_AGE_HEADER: Final = "x-data-age-ms"


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """``data`` is the decoded body (None for an empty one and for a 304); a refusal is an answer, too."""

    status: int
    data: Any
    etag: str | None = None
    #: Milliseconds since the data were true, where the API says so.
    age_ms: int | None = None

    @property
    def ok(self) -> bool:
        return self.status < 400

    @property
    def problem(self) -> Problem:
        """What a refusal says: ``detail`` and ``errors`` as the API gave them."""
        said = self.data if isinstance(self.data, dict) else {}
        detail = said.get("detail") or said.get("title") or f"The server answered {self.status}."
        return of_status(self.status, str(detail), list(said.get("errors") or []), str(said.get("request_id") or ""))

    def expect(self) -> Any:
        """``data``, or the page that tells the refusal. Raises ``PageProblem``."""
        if not self.ok:
            raise PageProblem(self.problem)
        return self.data


class Connections:
    """What all viewers share: the pool of connections, and answers that are kept under their ETags."""

    def __init__(self, base_url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.client: Final = httpx.AsyncClient(
            base_url=base_url, transport=transport, trust_env=False, follow_redirects=False,
            verify=base_url.startswith("https:"),  # over plain HTTP there is nothing to read certificates for
            timeout=httpx.Timeout(limits.CONSOLE_CALL_MS_MAX / 1_000, connect=limits.CONSOLE_CONNECT_MS_MAX / 1_000),
            limits=httpx.Limits(
                max_connections=limits.CONSOLE_CONNECTIONS_MAX,
                max_keepalive_connections=limits.CONSOLE_CONNECTIONS_KEPT_MAX,
            ),
        )
        self.kept: Final = KeptAnswers(time.monotonic)
        #: (whose key, path) -> (when it was asked for, answer), see ``Api.lately``.
        self.lately: Final[dict[tuple[str, str], tuple[float, ApiAnswer]]] = {}

    async def aclose(self) -> None:
        await self.client.aclose()


class Api:
    """The API as one viewer may use it. Raises ``Unreached`` and ``SessionOver``; any other refusal is an answer."""

    def __init__(self, connections: Connections, key: str) -> None:
        self._connections = connections
        self._headers = {"authorization": f"Bearer {key}", "accept": "application/json"}
        #: The key itself is in no place of memory that outlives the request.
        self._whose = hashlib.sha256(key.encode()).hexdigest()

    def forget(self) -> None:
        """Drop what is kept of the answers to this viewer."""
        self._connections.kept.forget(self._whose)
        for place in [place for place in self._connections.lately if place[0] == self._whose]:
            del self._connections.lately[place]

    async def get(self, path: str, *, params: Params | None = None, etag: str | None = None) -> ApiAnswer:
        """Ask. Without ``etag`` an answer that has not changed is not sent again, and ``data`` is what it was (treat it
        as read-only); with one, an unchanged answer is a 304 without data. Tried twice when a kept connection ends."""
        place = self._whose, str(httpx.URL(path, params=_given(params)))
        kept = None if etag else self._connections.kept.get(place)
        known = kept.etag if kept else etag
        headers = {"if-none-match": known} if known else {}
        try:
            found = await self._send("GET", path, params, headers)
        except httpx.RemoteProtocolError:
            found = await self._ask("GET", path, params, headers, changing=False)
        except httpx.TransportError as error:
            raise Unreached(type(error).__name__) from error
        answer = self._answer(found)
        if kept is not None and answer.status == 304:
            return ApiAnswer(200, kept.data, kept.etag, answer.age_ms)
        if answer.status == 200 and answer.etag:
            self._connections.kept.keep(place, answer.etag, answer.data, len(found.content))
        return answer

    async def lately(self, path: str, for_ms: int) -> ApiAnswer:
        """``get``, or what it told this viewer at most ``for_ms`` ago, with its age: for what costs the server much.
        A refusal is never kept."""
        place, now_s = (self._whose, path), time.monotonic()
        told_s, answer = self._connections.lately.get(place, (0.0, None))
        if answer is None or now_s - told_s > for_ms / limits.SECOND_MS:
            told_s, answer = now_s, await self.get(path)
            lately = self._connections.lately
            for old in [one for one, (then_s, _) in lately.items() if now_s - then_s > for_ms / limits.SECOND_MS]:
                del lately[old]
            if answer.ok:
                lately[place] = told_s, answer
        return replace(answer, age_ms=round((now_s - told_s) * limits.SECOND_MS))

    async def post(
        self, path: str, *, params: Params | None = None, body: Any = None, content_type: str = "application/json",
        changing: bool = True,
    ) -> ApiAnswer:
        """``changing``: whether it may have left something behind when no answer comes (a dry run does not)."""
        return await self._change("POST", path, params, body, None, content_type, changing)

    async def put(
        self, path: str, *, params: Params | None = None, body: Any = None, if_match: str | None = None,
        content_type: str = "application/json",
    ) -> ApiAnswer:
        return await self._change("PUT", path, params, body, if_match, content_type)

    async def delete(self, path: str, *, params: Params | None = None) -> ApiAnswer:
        return await self._change("DELETE", path, params, None, None, "")

    async def _change(
        self, method: str, path: str, params: Params | None, body: Any, if_match: str | None, content_type: str,
        changing: bool = True,
    ) -> ApiAnswer:
        """Once: an answer that got lost may have been a yes. A body that is text or bytes goes as it is."""
        headers = {} if body is None else {"content-type": content_type}
        if if_match is not None:
            headers["if-match"] = if_match
        raw = body if body is None or isinstance(body, bytes) else (
            body.encode() if isinstance(body, str) else orjson.dumps(body)
        )
        return self._answer(await self._ask(method, path, params, headers, raw, changing))

    async def _ask(
        self, method: str, path: str, params: Params | None, headers: Mapping[str, str], body: bytes | None = None,
        changing: bool = True,
    ) -> httpx.Response:
        try:
            return await self._send(method, path, params, headers, body)
        except httpx.TransportError as error:
            raise Unreached(type(error).__name__, changing=changing) from error

    async def _send(
        self, method: str, path: str, params: Params | None, headers: Mapping[str, str], body: bytes | None = None,
    ) -> httpx.Response:
        return await self._connections.client.request(
            method, path, params=_given(params), headers={**self._headers, **headers}, content=body,
        )

    def _answer(self, found: httpx.Response) -> ApiAnswer:
        if found.status_code == 401:
            self.forget()
            raise SessionOver("Your key has ended or was revoked, and your session with it.")
        age = found.headers.get(_AGE_HEADER, "")
        return ApiAnswer(
            found.status_code, _decoded(found), found.headers.get("etag"), int(age) if age.isdecimal() else None,
        )


def _given(params: Params | None) -> dict[str, str] | None:
    if not params:
        return None
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in params.items() if value is not None
    }


def _decoded(found: httpx.Response) -> Any:
    if not found.content:
        return None
    if "json" not in found.headers.get("content-type", ""):
        return found.text
    try:
        return orjson.loads(found.content)
    except orjson.JSONDecodeError as error:
        raise Unreached("its answer is no JSON") from error
