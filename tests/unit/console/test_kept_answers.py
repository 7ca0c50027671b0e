"""Answers are kept while somebody looks, within bounds, and no longer than the session of who asked."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from cluster.console.api import Api, Connections
from cluster.console.kept import KeptAnswers
from cluster.console.problems import SessionOver
from models import limits

OLD_S = limits.CONSOLE_ANSWER_KEPT_MS / limits.SECOND_MS


def test_what_nobody_asks_for_again_goes_and_what_is_asked_for_stays() -> None:
    now = [0.0]
    kept = KeptAnswers(lambda: now[0])
    kept.keep(("k", "/read"), "1", "data", 10)
    kept.keep(("k", "/left"), "1", "data", 10)
    now[0] += OLD_S - 1
    assert kept.get(("k", "/read")) is not None
    now[0] += 2
    assert kept.get(("k", "/left")) is None
    assert kept.get(("k", "/read")) is not None


def test_the_least_recently_used_make_room_by_number_and_by_bytes() -> None:
    kept = KeptAnswers(lambda: 0.0)
    for n in range(limits.CONSOLE_ANSWERS_KEPT_MAX + 1):
        kept.keep(("k", str(n)), "1", n, 1)
    assert len(kept) == limits.CONSOLE_ANSWERS_KEPT_MAX
    assert kept.get(("k", "0")) is None
    most = limits.CONSOLE_ANSWERS_BYTES_MAX // limits.CONSOLE_ANSWER_BYTES_KEPT_MAX
    for n in range(most + 1):
        kept.keep(("k", f"large {n}"), "1", n, limits.CONSOLE_ANSWER_BYTES_KEPT_MAX)
    assert len(kept) == most


def test_an_answer_that_is_too_large_is_not_kept_and_ends_the_one_before() -> None:
    kept = KeptAnswers(lambda: 0.0)
    kept.keep(("k", "/v1/catalog"), "1", "small", 10)
    kept.keep(("k", "/v1/catalog"), "2", "large", limits.CONSOLE_ANSWER_BYTES_KEPT_MAX + 1)
    assert kept.get(("k", "/v1/catalog")) is None


@pytest.mark.parametrize("leaves", ["signs out", "is revoked"])
def test_what_a_key_was_told_goes_with_its_session(leaves: str) -> None:
    revoked: list[bool] = []

    def handler(_: httpx.Request) -> httpx.Response:
        return httpx.Response(401) if revoked else httpx.Response(200, json={}, headers={"etag": '"1"'})

    async def story() -> int:
        connections = Connections("http://api", httpx.MockTransport(handler))
        api = Api(connections, "one")
        await api.get("/v1/live")
        await Api(connections, "two").get("/v1/live")
        if leaves == "signs out":
            api.forget()
        else:
            revoked.append(True)
            with pytest.raises(SessionOver):
                await api.get("/v1/live")
        return len(connections.kept)

    assert asyncio.run(story()) == 1
