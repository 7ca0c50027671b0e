"""Refusals as exceptions: which class, what they say, and that they travel."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from cluster.client import (
    AsyncKairos,
    ClientError,
    Conflict,
    Invalid,
    Kairos,
    NotFound,
    Refused,
    Reply,
    Unauthorised,
    Unavailable,
    Unreachable,
)
from cluster.client.errors import refusal
from models.errors import BadInput, KairosError

KINDS = {
    400: Invalid, 401: Unauthorised, 403: Unauthorised, 404: NotFound, 409: Conflict, 410: NotFound, 412: Unavailable,
    413: Invalid, 422: Invalid, 429: Unavailable, 500: Unavailable, 502: Unavailable, 503: Unavailable,
    504: Unavailable, 405: Refused, 418: Refused,
}
PROBLEM: dict[str, Any] = {
    "title": "Invalid field", "detail": "placements.0.id: unknown", "request_id": "r-9",
    "errors": [{"loc": ["placements", 0, "id"], "msg": "unknown placement 'hero'"}],
}


@pytest.mark.parametrize(("status", "kind"), KINDS.items())
def test_each_status_of_the_contract_has_its_exception(status: int, kind: type[Refused]) -> None:
    error = refusal("POST /v1/decisions", status, PROBLEM)
    assert type(error) is kind
    assert isinstance(error, ClientError | KairosError)
    assert (error.status, error.request_id, error.errors) == (status, "r-9", PROBLEM["errors"])


def test_a_message_says_what_where_how_often_and_what_to_do() -> None:
    text = str(refusal("POST /v1/decisions", 503, PROBLEM, attempts=4))
    for part in ("POST /v1/decisions -> 503", "placements.0.id: unknown placement 'hero'", "tried 4 times",
                 "repeat it later with the same ids", "r-9"):
        assert part in text


@pytest.mark.parametrize("error", [
    refusal("GET /v1/budgets", 403, PROBLEM, 2), Unreachable("GET /v1/budgets", "cut", 3), refusal("GET /x", 418, {}),
])
def test_errors_survive_pickling(error: ClientError) -> None:
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert back.attempts == error.attempts  # type: ignore[attr-defined]


@pytest.mark.parametrize("body", [b"", b"<html>bad gateway</html>", b"[1]", b"\xff\xfe"])
def test_an_answer_that_is_no_problem_document_is_told_as_it_is(body: bytes) -> None:
    problem = Reply(502, body, "text/html").problem()
    assert problem["detail"] == body.decode(errors="replace")


@pytest.mark.parametrize("client", [Kairos, AsyncKairos])
def test_no_key_shows_in_a_clients_address(client: Any) -> None:
    kairos = client("http://kairos", "secret-key")
    assert "secret-key" not in repr(kairos._to)


@pytest.mark.parametrize("url", ["kairos:8000", "ftp://kairos", "http://", "http://user@kairos", "http://kairos?x=1"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match="looks like http"):
        Kairos(url, "key")


@pytest.mark.parametrize("key", ["", "a b", "a\r\nx: y", "ключ"])
def test_what_is_no_key_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(BadInput, match="no API key") as refused:
        Kairos("http://kairos", key)
    assert not key or key not in str(refused.value)
