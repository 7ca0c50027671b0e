"""The API as the console's pages see it: answers from a table, every call noted."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import httpx
import orjson

from support import console_shapes

#: A value, or what makes one of the call.
Told = Any | Callable[["Asked"], Any]


@dataclass(frozen=True)
class Asked:
    method: str
    #: Unquoted.
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        return orjson.loads(self.body)


@dataclass(frozen=True)
class Refusal:
    status: int
    detail: str
    errors: tuple[dict[str, Any], ...] = ()


class FakeApi:
    """``answers[method, path]``: what is told (a ``Refusal`` is told as a problem; a callable is asked). ``asked``: all
    calls. ``away``: nobody answers; ``revoked``: every key is refused."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], Told] = copy.deepcopy(console_shapes.answers())
        self.asked: list[Asked] = []
        self.away = False
        self.revoked = False
        self.transport = httpx.MockTransport(self._answer)

    def calls(self, method: str, path: str) -> list[Asked]:
        return [one for one in self.asked if (one.method, one.path) == (method, path)]

    def refuse(self, method: str, path: str, status: int, detail: str, *errors: dict[str, Any]) -> None:
        self.answers[method, path] = Refusal(status, detail, errors)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = unquote(request.url.raw_path.decode().partition("?")[0])
        asked = Asked(request.method, path, dict(request.url.params), dict(request.headers), request.content)
        self.asked.append(asked)
        if self.away:
            raise httpx.ConnectError("nobody listens")
        if self.revoked:
            return _refused(Refusal(401, "no such key"))
        told = self.answers.get((request.method, path), Refusal(404, f"no such thing: {path}"))
        if callable(told):
            told = told(asked)
        if isinstance(told, Refusal):
            return _refused(told)
        body = orjson.dumps(told)
        # As the API does: the version of what changes, not how old it is.
        version = told.get("version") if isinstance(told, dict) else None
        tag = f'"{version}"' if version is not None else f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        headers = {"etag": tag, "content-type": "application/json"}
        if isinstance(told, dict) and "age_ms" in told:
            headers["x-data-age-ms"] = str(told["age_ms"])
        if request.method == "GET" and request.headers.get("if-none-match") == tag:
            return httpx.Response(304, headers=headers)
        return httpx.Response(200, content=body, headers=headers)


def _refused(refusal: Refusal) -> httpx.Response:
    return httpx.Response(
        refusal.status, headers={"content-type": "application/problem+json"}, content=orjson.dumps({
            "type": "about:blank", "title": "Refused", "status": refusal.status, "detail": refusal.detail,
            "request_id": "r-of-the-test", "errors": list(refusal.errors),
        }),
    )
