"""HTTP of both clients over real sockets: what is sent, kept connections, silence, closed doors."""

from __future__ import annotations

import asyncio
import inspect
import select
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from unit.client.loopback import Loopback, plain

from cluster.client import NO_RETRY, AsyncKairos, Closed, Kairos, Refused, RetryPolicy, Unreachable

SOON = RetryPolicy(first_pause_s=0.001, longest_pause_s=0.01)


def sync(url: str, do: Callable[[Any], Any], **options: Any) -> Any:
    with Kairos(url, "the-key", **options) as kairos:
        return do(kairos)


def async_(url: str, do: Callable[[Any], Any], **options: Any) -> Any:
    async def run() -> Any:
        async with AsyncKairos(url, "the-key", **options) as kairos:
            done = do(kairos)
            return await done if inspect.isawaitable(done) else done

    return asyncio.run(run())


EITHER = pytest.mark.parametrize("client", [sync, async_])


@EITHER
@pytest.mark.parametrize(("encoding", "media"), [("msgpack", "application/msgpack"), ("json", "application/json")])
def test_a_request_carries_key_and_encodings_and_nothing_that_tells_more(
    client: Any, encoding: str, media: str
) -> None:
    with Loopback() as server:
        client(server.url + "/kairos/", lambda kairos: kairos.set_consent("a/b?c d", {"x": True}), encoding=encoding)
    (request,) = server.requests
    assert (request.method, request.raw_path) == ("PUT", "/kairos/v1/customers/a%2Fb%3Fc%20d/consent")
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert headers["authorization"] == "Bearer the-key"
    assert (headers["content-type"], headers["accept"]) == (media, media)
    assert headers.keys() <= {"authorization", "content-type", "accept", "host", "content-length", "accept-encoding"}


@EITHER
def test_a_read_has_no_body_and_its_query_is_encoded(client: Any) -> None:
    with Loopback() as server:
        client(server.url, lambda kairos: kairos.call("GET", "/v1/outbox", query={"channel": "a&b", "limit": None}))
    (request,) = server.requests
    assert request.raw_path == "/v1/outbox?channel=a%26b"
    assert not request.body_exists


@EITHER
def test_a_redirect_is_not_followed_with_the_key(client: Any) -> None:
    async def elsewhere(request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"location": "http://127.0.0.1:1/"})

    with Loopback(answer=elsewhere) as server, pytest.raises(Refused, match="-> 307"):
        client(server.url, lambda kairos: kairos.budgets())


@EITHER
def test_nobody_at_the_door_is_unreachable_when_the_time_is_up(client: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(Unreachable, match="cannot connect") as error:
            client(url, lambda kairos: kairos.budgets(), timeout_s=0.2, retry=SOON)
    assert error.value.attempts > 2


@EITHER
def test_a_server_that_says_nothing_is_left_when_the_time_is_up(client: Any) -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    with Loopback(answer=silent) as server, pytest.raises(Unreachable, match="nothing came"):
        client(server.url, lambda kairos: kairos.budgets(), timeout_s=0.1, retry=NO_RETRY)


@EITHER
def test_an_answer_that_breaks_off_is_asked_for_again(client: Any) -> None:
    async def breaking(request: web.Request) -> web.StreamResponse:
        if len(server.requests) == 1:
            answer = web.StreamResponse(headers={"content-length": "100"})
            await answer.prepare(request)
            assert request.transport is not None
            request.transport.abort()
            return answer
        return await plain(request)

    with Loopback(answer=breaking) as server:
        assert client(server.url, lambda kairos: kairos.budgets(), retry=SOON) == []
    assert len(server.requests) == 2


@EITHER
def test_retry_after_of_the_header_is_read(client: Any) -> None:
    async def busy(request: web.Request) -> web.StreamResponse:
        return web.json_response({"detail": "busy"}, status=429, headers={"retry-after": "30"})

    with Loopback(answer=busy) as server, pytest.raises(Refused, match="busy"):
        client(server.url, lambda kairos: kairos.budgets(), timeout_s=20)
    assert len(server.requests) == 1


@EITHER
def test_a_closed_client_says_so(client: Any) -> None:
    kept: list[Any] = []
    with Loopback() as server:
        client(server.url, lambda kairos: kept.append(kairos))
    with pytest.raises(Closed):
        asyncio.run(kept[0].budgets())


def test_calls_one_after_the_other_share_a_connection() -> None:
    ports: set[Any] = set()

    async def noting(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername"))
        return await plain(request)

    with Loopback(answer=noting) as server:
        sync(server.url, lambda kairos: [kairos.budgets() for _ in range(5)])
        assert len(ports) == 1


def test_a_kept_connection_that_the_server_closed_is_not_used_again() -> None:
    async def once(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"content-length": "0"})
        await answer.prepare(request)
        await answer.write_eof()
        assert request.transport is not None
        request.transport.close()
        return answer

    with Loopback(answer=once) as server, Kairos(server.url, "key", retry=NO_RETRY) as kairos:
        for _ in range(3):
            kairos.wait_until_ready()
            (kept,) = kairos._transport._kept  # type: ignore[attr-defined]
            select.select([kept.sock], [], [], 10)
        assert kairos.counts.repeats == 0


def test_threads_have_a_connection_each_and_only_so_many_are_kept() -> None:
    together = threading.Barrier(4)

    async def waiting(request: web.Request) -> web.StreamResponse:
        await asyncio.to_thread(together.wait, 10)
        return await plain(request)

    with Loopback(answer=waiting) as server, Kairos(server.url, "key", connections=2) as kairos:
        threads = [threading.Thread(target=kairos.budgets) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert len(server.requests) == 4
        assert len(kairos._transport._kept) == 2  # type: ignore[attr-defined]
