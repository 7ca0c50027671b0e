"""``POST /console/links``: a link that opens the console once, for whoever shows a key that lives.

The API itself says whose key it is (``GET /v1/caller``): what it refuses is refused here in its words.
"""

from __future__ import annotations

from typing import Any, Final

import httpx
import orjson
from starlette.requests import Request
from starlette.responses import Response

from cluster.console.address import page
from cluster.console.doors.sealed import Caller, SealedSessions
from cluster.console.frame import Frame
from cluster.console.problems import PageProblem
from models.errors import BadInput
from models.times import format_time, parse_time_ms
from models.turn.commands import problem

PATH: Final = "/links"
_CALLER: Final = "/v1/caller"
_SCHEME: Final = "bearer "
_HEADERS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_UNREACHED: Final = problem(
    503, "Service Unavailable", "the API does not answer the console; nothing was done, repeat it",
)


async def make_link(request: Request, frame: Frame, sessions: SealedSessions) -> Response:
    given = request.headers.get("authorization", "")
    key = given[len(_SCHEME):].strip() if given[:len(_SCHEME)].lower() == _SCHEME else ""
    if not key:
        return _refused(problem(401, "Unauthorized", "send a key: authorization: Bearer KEY"))
    try:
        asked = await frame.connections.client.get(_CALLER, headers={"authorization": f"Bearer {key}"})
    except httpx.TransportError:
        return _refused(_UNREACHED)
    if asked.status_code != httpx.codes.OK:
        return _passed_on(asked)
    try:
        token, expires_ms = await sessions.link(_caller(key, asked.json()))
    except BadInput as error:
        return _refused(problem(422, "Invalid field", str(error)))
    except PageProblem as error:
        return _refused(problem(error.problem.status, error.problem.title, error.problem.detail))
    return _answer(200, {"link": page("/in", token), "expires": format_time(expires_ms)})


def _caller(key: str, told: dict[str, Any]) -> Caller:
    ends = told["expires"]
    ends_ms = None if ends is None else parse_time_ms(ends)
    return Caller(key, told["name"], told["tenant"], tuple(told["scopes"]), ends_ms)


def _passed_on(asked: httpx.Response) -> Response:
    """The API's refusal; what is none (its proxy's answer, an older release without that call) counts as away."""
    if asked.status_code not in (401, 403, 429, 503):
        return _refused(_UNREACHED)
    kept = {name: asked.headers[name] for name in ("www-authenticate", "retry-after") if name in asked.headers}
    return Response(
        asked.content, asked.status_code, {**_HEADERS, **kept}, asked.headers.get("content-type", "text/plain")
    )


def _refused(told: dict[str, Any]) -> Response:
    answer = _answer(int(told["status"]), told, "application/problem+json")
    if answer.status_code == 401:
        answer.headers["www-authenticate"] = "Bearer"
    return answer


def _answer(status: int, body: dict[str, Any], media: str = "application/json") -> Response:
    return Response(orjson.dumps(body), status, _HEADERS, media)
