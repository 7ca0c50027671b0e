"""The calls behind a page: with the viewer's key, kept while unchanged, repeated only where that changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest

from cluster.console import address
from cluster.console.api import Api, ApiAnswer, Connections
from cluster.console.problems import PageProblem, SessionOver, Unreached

Handler = Callable[[httpx.Request], httpx.Response]


def api_on(handler: Handler, key: str = "k") -> Api:
    return Api(Connections("http://api", httpx.MockTransport(handler)), key)


def versions(request: httpx.Request) -> httpx.Response:
    """An answer of version 1, which is not sent to whoever has it."""
    if request.headers.get("if-none-match") == '"1"':
        return httpx.Response(304, headers={"etag": '"1"', "x-data-age-ms": "70"})
    return httpx.Response(200, json={"who": request.headers["authorization"]}, headers={"etag": '"1"'})


def test_an_unchanged_answer_is_what_it_was_and_as_old_as_the_api_says_now() -> None:
    seen: list[int] = []

    def handler(request: httpx.Request) -> httpx.Response:
        answer = versions(request)
        seen.append(answer.status_code)
        return answer

    async def twice() -> list[ApiAnswer]:
        api = api_on(handler)
        return [await api.get("/v1/live"), await api.get("/v1/live")]

    first, second = asyncio.run(twice())
    assert seen == [200, 304]
    assert (second.status, second.data, second.etag, second.age_ms) == (200, first.data, '"1"', 70)


def test_what_one_viewer_was_told_is_never_told_to_another() -> None:
    async def both() -> tuple[ApiAnswer, ApiAnswer]:
        connections = Connections("http://api", httpx.MockTransport(versions))
        return await Api(connections, "one").get("/v1/live"), await Api(connections, "two").get("/v1/live")

    one, two = asyncio.run(both())
    assert (one.data, two.data) == ({"who": "Bearer one"}, {"who": "Bearer two"})


def test_a_question_with_a_version_of_its_own_gets_a_304_without_data() -> None:
    answer = asyncio.run(api_on(versions).get("/v1/live", etag='"1"'))
    assert (answer.status, answer.data, answer.ok) == (304, None, True)


def test_answers_to_other_questions_are_others() -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.query.decode())
        return versions(request)

    async def ask() -> None:
        api = api_on(handler)
        await api.get("/v1/funnel", params={"window": "hour", "channel": None, "deep": True})
        await api.get("/v1/funnel", params={"window": "day"})

    asyncio.run(ask())
    assert asked == ["window=hour&deep=true", "window=day"]


def lost_at_first(error: type[httpx.TransportError]) -> tuple[list[str], Handler]:
    tries: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        tries.append(request.method)
        if len(tries) == 1:
            raise error("the connection ended")
        return httpx.Response(200, json={})

    return tries, handler


def test_a_question_on_a_kept_connection_that_ended_is_asked_once_more() -> None:
    tries, handler = lost_at_first(httpx.RemoteProtocolError)
    assert asyncio.run(api_on(handler).get("/v1/live")).ok
    assert tries == ["GET", "GET"]


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_what_changes_something_is_never_repeated_and_the_page_says_that_it_may_be_done(method: str) -> None:
    tries, handler = lost_at_first(httpx.RemoteProtocolError)
    with pytest.raises(Unreached) as lost:
        asyncio.run(getattr(api_on(handler), method)("/v1/catalog"))
    assert len(tries) == 1
    assert "may have been done" in lost.value.problem.detail
    assert not lost.value.problem.again


def test_a_dry_run_that_gets_no_answer_has_done_nothing() -> None:
    _, handler = lost_at_first(httpx.ReadTimeout)
    with pytest.raises(Unreached) as lost:
        asyncio.run(api_on(handler).post("/v1/explanations", changing=False))
    assert lost.value.problem.again


def test_a_refused_key_ends_the_session_and_any_other_refusal_is_an_answer() -> None:
    problem = {"detail": "no such channel", "errors": [{"loc": ["channel"], "msg": "unknown"}], "request_id": "r-9"}
    refused = asyncio.run(api_on(lambda _: httpx.Response(422, json=problem)).post("/v1/explanations", body={}))
    assert (refused.ok, refused.problem.detail, refused.problem.request_id) == (False, "no such channel", "r-9")
    assert list(refused.problem.errors) == problem["errors"]
    with pytest.raises(PageProblem):
        refused.expect()
    with pytest.raises(SessionOver):
        asyncio.run(api_on(lambda _: httpx.Response(401, json={})).get("/v1/live"))


def test_an_answer_of_a_proxy_is_a_page_too() -> None:
    answer = asyncio.run(api_on(lambda _: httpx.Response(502, text="<html>Bad gateway</html>")).get("/v1/live"))
    assert (answer.problem.status, answer.problem.again) == (502, True)


def test_text_goes_as_it_is_and_values_as_json() -> None:
    seen: list[tuple[bytes, str, str | None]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append((request.content, request.headers["content-type"], request.headers.get("if-match")))
        return httpx.Response(200, json={})

    async def both() -> None:
        api = api_on(handler)
        await api.put("/v1/catalog", body="catalog: 1", content_type="application/yaml", if_match="sha256:1")
        await api.put("/v1/budgets/b", body={"cap": 5})

    asyncio.run(both())
    assert seen == [(b"catalog: 1", "application/yaml", "sha256:1"), (b'{"cap":5}', "application/json", None)]


@pytest.mark.parametrize(("id_", "path"), [
    ("..", b"/v1/customers/%2E%2E/timeline"), (".", b"/v1/customers/%2E/timeline"),
    ("../catalog?x", b"/v1/customers/..%2Fcatalog%3Fx/timeline"), ("a..b", b"/v1/customers/a..b/timeline"),
])
def test_no_id_leads_to_another_call(id_: str, path: bytes) -> None:
    seen: list[bytes] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path)
        return httpx.Response(200, json={})

    asyncio.run(api_on(handler).get(address.call("/v1/customers", id_, "timeline")))
    assert seen == [path]
