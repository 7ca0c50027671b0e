"""Nonsense in, a clear problem out; nothing reaches a shard and the gateway goes on."""

from __future__ import annotations

import contextlib
import math
import pickle
from typing import Any

import httpx
import msgpack
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.gateway.doubles import DECISION, EVENT, Served

from actors.gateway.body import decode
from actors.gateway.problems import Refused
from models import limits

JSON = {"content-type": "application/json"}
MSGPACK = {"content-type": "application/msgpack"}


def check_problem(served: Served, response: httpx.Response, status: int) -> dict[str, Any]:
    """A problem document of that status; no shard was asked; the gateway still decides."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert set(problem) == {"type", "title", "status", "detail", "request_id", "errors"}
    assert problem["status"] == status
    assert problem["request_id"]
    assert served.backend.batches == []
    assert served.ask("POST", "/v1/decisions", json=DECISION).status_code == 200
    return problem


@pytest.mark.parametrize("body", [
    b"", b"{", b"nonsense", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1e999}', b"\xff\xfe", b'"\\ud800"',
    b"[" * 10_000, b"[" * 10_000 + b"]" * 10_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b"{}{}",
    pickle.dumps({"a": 1}), b'{"a": ' + b"[" * 33 + b"]" * 33 + b"}",
])
def test_what_is_not_json_is_400(served: Served, body: bytes) -> None:
    check_problem(served, served.ask("POST", "/v1/decisions", content=body, headers=JSON), 400)


@pytest.mark.parametrize("body", [
    b"", b"\xc1", b"\xdf\xff\xff\xff\xff", pickle.dumps({"a": 1}), b"\x91" * 10_000 + b"\x01",
    msgpack.packb({"context": {"a": math.nan}}), msgpack.packb({"a": math.inf}), msgpack.packb({"a": b"raw"}),
    msgpack.packb({"a": msgpack.Timestamp(1)}), msgpack.packb({"a": msgpack.ExtType(5, b"x")}),
    msgpack.packb({b"a": 1}), b"\x81\x01\x01", b"\x81\xa1a\xa1\xff", msgpack.packb({}) * 2,
    msgpack.packb({"a": 2**64 - 1}),
])
def test_what_is_not_msgpack_of_json_values_is_400(served: Served, body: bytes) -> None:
    headers = MSGPACK | {"accept": "application/json"}
    check_problem(served, served.ask("POST", "/v1/decisions", content=body, headers=headers), 400)


def test_brackets_inside_strings_are_no_nesting(served: Served) -> None:
    asked = DECISION | {"context": {"a": "[{" * 200 + '\\"'}}
    assert served.ask("POST", "/v1/decisions", json=asked).status_code == 200


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_the_depth_limit_counts_levels_whatever_the_brackets(opening: str, closing: str) -> None:
    levels = opening.count("[") + opening.count("{")
    allowed = limits.BODY_DEPTH_MAX // levels
    decode((opening * allowed + "1" + closing * allowed).encode(), as_msgpack=False)
    with pytest.raises(Refused, match="nested deeper"):
        decode((opening * (allowed + 1) + "1" + closing * (allowed + 1)).encode(), as_msgpack=False)


@pytest.mark.parametrize("body", [[], "text", 3, None, {"events": 3}, {"events": [], "more": 1}, [EVENT]])
def test_a_batch_that_is_no_batch_is_422(served: Served, body: Any) -> None:
    check_problem(served, served.ask("POST", "/v1/events", content=orjson.dumps(body), headers=JSON), 422)


@pytest.mark.parametrize(("path", "bytes_max"), [
    ("/v1/decisions", limits.BODY_BYTES_MAX), ("/v1/events", limits.BATCH_BODY_BYTES_MAX),
])
def test_a_body_over_the_limit_is_413(served: Served, path: str, bytes_max: int) -> None:
    check_problem(served, served.ask("POST", path, content=b" " * (bytes_max + 1), headers=JSON), 413)


def test_a_body_that_lies_about_its_length_is_cut_off_while_it_is_read(served: Served) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while True:
            sent += 64 * 1024
            yield b" " * (64 * 1024)

    response = served.ask("POST", "/v1/decisions", content=endless(), headers=JSON)
    assert response.status_code == 413
    assert sent <= limits.BODY_BYTES_MAX + 3 * 64 * 1024


def test_errors_name_where_and_why_and_carry_the_callers_request_id(served: Served) -> None:
    asked = DECISION | {"request_id": "mine", "placements": [{"id": "hero", "count": 0}], "surprise": 1}
    problem = check_problem(served, served.ask("POST", "/v1/decisions", json=asked), 422)
    assert problem["request_id"] == "mine"
    assert {tuple(error["loc"]) for error in problem["errors"]} == {("placements", 0, "count"), ("surprise",)}


def test_a_huge_unknown_field_name_is_not_repeated_in_full(served: Served) -> None:
    response = served.ask("POST", "/v1/decisions", json=DECISION | {"x" * 100_000: 1})
    check_problem(served, response, 422)
    assert len(response.content) < 2_000


@pytest.mark.parametrize("path", ["/v1/customers/" + "x" * 201, "/v1/customers/%ff", "/v1/decisions/" + "d" * 300
                                  + "/explanation"])
def test_a_wrong_id_in_the_path_is_422(served: Served, path: str) -> None:
    check_problem(served, served.ask("GET", path), 422)


@pytest.mark.parametrize("query", ["a=1", "limit=0", "limit=x", "limit=1&limit=2", "limit=9999", "limit=-1"])
def test_a_wrong_query_is_422(served: Served, query: str) -> None:
    check_problem(served, served.ask("GET", f"/v1/customers/c-1/timeline?{query}"), 422)


@pytest.mark.parametrize("as_of", [0, -1, 1.0, True, "3", "yesterday", "2026-11-02T18:00:00", [], {}, 2**60])
def test_a_moment_that_is_none_is_422(served: Served, as_of: Any) -> None:
    problem = check_problem(served, served.ask("POST", "/v1/explanations", json=DECISION | {"as_of": as_of}), 422)
    assert problem["errors"][0]["loc"] == ["as_of"]


@pytest.mark.parametrize("query", ["as_of=0", "as_of=", "as_of=soon", "as_of=-1", "policies=1", "as_of=%C2%B2"])
def test_a_moment_in_a_query_that_is_none_is_422(served: Served, query: str) -> None:
    problem = check_problem(served, served.ask("GET", f"/v1/customers/c-1?{query}"), 422)
    assert problem["errors"][0]["loc"] == ["query", query.partition("=")[0]]


def test_the_past_waits_for_no_version(served: Served) -> None:
    asked = DECISION | {"as_of": 3, "min_state_version": 4}
    problem = check_problem(served, served.ask("POST", "/v1/explanations", json=asked), 422)
    assert problem["errors"][0]["loc"] == ["min_state_version"]


@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_break_the_decoder(body: bytes, as_msgpack: bool) -> None:
    with contextlib.suppress(Refused):
        decode(body, as_msgpack)
