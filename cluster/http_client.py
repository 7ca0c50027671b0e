"""The commands' own HTTP client: JSON calls with the key, repeated where the contract says that repeating is safe.

Every call that writes carries its own id (event, decision, outcome, position of an import), so a repeat after a lost
answer has no second effect.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

import httpx
import orjson

from models.errors import KairosError

#: Statuses of the contract that may be repeated with the same id.
REPEATABLE: Final = frozenset({429, 500, 503, 504})
_FIRST_PAUSE_S: Final = 0.05
_PAUSE_S_MAX: Final = 2.0
_TIMEOUT_S: Final = 30.0


class CallFailedError(KairosError):
    """The server answered with a problem, or not at all while repeating made sense."""

    def __init__(self, what: str, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(what, status, dict(problem))
        self.what = what
        self.status = status
        self.problem = dict(problem)

    def __str__(self) -> str:
        errors = self.problem.get("errors") or []
        details = "; ".join(f"{'.'.join(map(str, e.get('loc', [])))}: {e.get('msg')}" for e in errors)
        text = self.problem.get("detail") or self.problem.get("title") or ""
        return f"{self.what} -> {self.status or 'no answer'}: {text}{f' ({details})' if details else ''}"


class HttpClient:
    """Many calls may be in flight at once; close it after use (``async with``)."""

    def __init__(
        self, url: str, key: str, *, connections: int = 8, patience_s: float = 120.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """``patience_s``: for how long one call is repeated before it fails."""
        self.url: Final = url.rstrip("/")
        self._patience_s = patience_s
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        headers = {"authorization": f"Bearer {key}", "accept": "application/json"}
        self._http = httpx.AsyncClient(
            base_url=self.url, headers=headers, limits=limits, timeout=_TIMEOUT_S, transport=transport,
            trust_env=False,
        )
        #: How often a call had to be repeated.
        self.repeats = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def call(
        self, method: str, path: str, body: Any = None, params: Mapping[str, Any] | None = None
    ) -> Any:
        """The decoded body of a 2xx answer. Raises ``CallFailedError``."""
        answer = await self.response(method, path, body, params)
        return orjson.loads(answer.content) if answer.content else None

    async def response(
        self, method: str, path: str, body: Any = None, params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """A 2xx answer, after as many repeats as patience allows. Raises ``CallFailedError``."""
        content = None if body is None else body if isinstance(body, bytes | str) else orjson.dumps(body)
        sent = {"content-type": "application/json", **(headers or {})} if content is not None else headers
        give_up_s, pause_s = time.monotonic() + self._patience_s, _FIRST_PAUSE_S
        while True:
            try:
                answer = await self._http.request(method, path, content=content, params=params, headers=sent)
            except httpx.TransportError as error:
                detail = str(error) or type(error).__name__
                failure, wait_s = CallFailedError(f"{method} {path}", 0, {"detail": detail}), pause_s
            else:
                if answer.is_success:
                    return answer
                failure, wait_s = _failure(method, path, answer), _wait_s(answer, pause_s)
                if answer.status_code not in REPEATABLE:
                    raise failure
            if time.monotonic() + wait_s > give_up_s:
                raise failure
            self.repeats += 1
            await asyncio.sleep(wait_s)
            pause_s = min(2 * pause_s, _PAUSE_S_MAX)


def _failure(method: str, path: str, answer: httpx.Response) -> CallFailedError:
    try:
        problem = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        problem = {"detail": answer.text[:300]}
    return CallFailedError(f"{method} {path}", answer.status_code, problem if isinstance(problem, dict) else {})


def _wait_s(answer: httpx.Response, pause_s: float) -> float:
    try:
        return min(float(answer.headers["retry-after"]), _PAUSE_S_MAX)
    except (KeyError, ValueError):
        return pause_s
