"""Who shows a key that lives gets a link; who does not gets the API's own refusal."""

from __future__ import annotations

import httpx
import pytest
from unit.console_doors.rig import KEY, NOW_S, Rig, run

from actors.sessions import is_token
from models import limits
from models.times import format_time

NOW_MS = int(NOW_S * 1_000)


def post(rig: Rig, headers: dict[str, str], method: str = "POST") -> httpx.Response:
    async def work() -> httpx.Response:
        async with rig.browser() as browser:
            return await browser.request(method, "/console/links", headers=headers)

    return run(work)


def test_a_key_gets_a_link_for_ten_minutes_and_nothing_tells_the_key(rig: Rig) -> None:
    answer = post(rig, {"authorization": f"Bearer {KEY}"})
    told = answer.json()
    assert told["expires"] == format_time(NOW_MS + limits.CONSOLE_LINK_MS)
    assert told["link"].startswith("/console/in/")
    assert is_token(told["link"].removeprefix("/console/in/"))
    assert answer.headers["cache-control"] == "no-store"
    assert KEY not in answer.text + str(answer.headers)
    assert rig.api.asked == ["/v1/caller"]


def test_a_link_never_outlives_its_key(rig: Rig) -> None:
    ends_ms = NOW_MS + 60_000
    rig.api.callers[KEY]["expires"] = format_time(ends_ms)
    assert post(rig, {"authorization": f"Bearer {KEY}"}).json()["expires"] == format_time(ends_ms)


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic YTpi"}, {"authorization": "Bearer "}])
def test_without_a_key_there_is_no_link_and_the_api_is_not_asked(rig: Rig, headers: dict[str, str]) -> None:
    answer = post(rig, headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert rig.api.asked == []


def test_what_the_api_refuses_is_refused_in_its_words(rig: Rig) -> None:
    answer = post(rig, {"authorization": "Bearer kairos_nobody"})
    assert (answer.status_code, answer.json()["detail"]) == (401, "unknown key")
    assert answer.headers["www-authenticate"] == "Bearer"
    rig.api.instead = lambda _: httpx.Response(429, json={"detail": "too fast"}, headers={"retry-after": "3"})
    answer = post(rig, {"authorization": f"Bearer {KEY}"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")


@pytest.mark.parametrize("status", [404, 500, 502])
def test_while_the_api_says_nothing_of_a_key_nobody_is_let_in(rig: Rig, status: int) -> None:
    rig.api.instead = lambda _: httpx.Response(status, text="what a proxy says")
    answer = post(rig, {"authorization": f"Bearer {KEY}"})
    assert answer.status_code == 503
    assert "repeat" in answer.json()["detail"]


def test_while_the_api_is_away_the_answer_says_so(rig: Rig) -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    rig.api.instead = away
    assert post(rig, {"authorization": f"Bearer {KEY}"}).status_code == 503


def test_a_token_too_long_to_be_kept_is_refused_with_words(rig: Rig) -> None:
    long = "x" * (limits.CONSOLE_SESSION_BYTES_MAX + 1)
    rig.api.callers[long] = dict(rig.api.callers[KEY])
    answer = post(rig, {"authorization": f"Bearer {long}"})
    assert answer.status_code == 422
    assert "shorter" in answer.json()["detail"]
    assert long not in answer.text


def test_a_store_that_cannot_be_written_is_a_refusal_that_may_be_repeated(rig: Rig) -> None:
    rig.damage()
    answer = post(rig, {"authorization": f"Bearer {KEY}"})
    assert answer.status_code == 503
    assert str(rig.data_dir) not in answer.text


def test_looking_at_links_is_no_way_in(rig: Rig) -> None:
    assert post(rig, {"authorization": f"Bearer {KEY}"}, "GET").status_code == 401
