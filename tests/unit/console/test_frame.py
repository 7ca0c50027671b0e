"""The frame: who may come in, what every answer carries, and what a request that changes something must prove."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import httpx
import pytest
from starlette.responses import Response
from structlog.testing import capture_logs
from support.console_browser import HOST, Browser
from support.console_sessions import COOKIE, CSRF, signed_in

from cluster.console.app import ConsoleConfig, console_app
from cluster.console.pages import ROUTES
from cluster.console.routing import PageRoute
from cluster.console.view import View
from models import limits


async def _change(view: View) -> Response:
    await view.api.post("/v1/decisions/d-0001:rerun")
    return view.moved("/session")


async def _fail(view: View) -> Response:
    raise RuntimeError("the state of a customer")


async def _ask(view: View) -> Response:
    answer = await view.api.get("/v1/live")
    age_ms = answer.expect()["age_ms"]
    return view.fragment("problem_part.html", etag=answer.etag, age_ms=age_ms, problem=answer.problem, whole=False)


TRIED = (
    PageRoute("POST", "/change", _change, "Change"), PageRoute("GET", "/fail", _fail, "Fail"),
    PageRoute("GET", "/ask", _ask, "Ask"), PageRoute("GET", "/needs", _ask, "Needs", scope="audit:read", nav=True),
)


def browser(*scopes: str) -> Browser:
    """Over the product's pages and those above."""
    made = Browser.with_scopes(*scopes) if scopes else Browser()
    config = ConsoleConfig("http://api", transport=made.api.transport)
    made.app = console_app(config, made.sessions, routes=(*ROUTES, *TRIED))
    made.http._transport = httpx.ASGITransport(made.app)
    return made


def run(work: Coroutine[Any, Any, httpx.Response]) -> httpx.Response:
    return asyncio.run(work)


def test_a_page_is_shown_to_who_is_signed_in() -> None:
    answer = run(Browser().get("/console/session"))
    assert answer.status_code == 200
    assert "profiles:read" in answer.text


@pytest.mark.parametrize("cookie", [None, "somebody-elses"])
def test_without_a_session_every_page_says_how_to_sign_in(cookie: str | None) -> None:
    comer = browser()
    comer.http.cookies = httpx.Cookies({} if cookie is None else {"kairos_console": cookie})
    for path in ("/console", "/console/session", "/console/no-such-page"):
        answer = run(comer.get(path))
        assert answer.status_code == 401
        assert "kairos console" in answer.text
    assert comer.api.asked == []


def test_a_key_that_ended_ends_the_session_and_takes_the_cookie() -> None:
    comer = browser()
    comer.api.revoked = True
    answer = run(comer.get("/console/ask"))
    assert answer.status_code == 401
    assert "revoked" in answer.text
    assert comer.sessions.ended == [COOKIE]
    assert 'kairos_console=""' in answer.headers["set-cookie"]


def test_a_page_that_needs_a_scope_names_it_to_who_lacks_it_and_asks_the_api_nothing() -> None:
    comer = browser("profiles:read")
    answer = run(comer.get("/console/needs"))
    assert answer.status_code == 403
    assert "audit:read" in answer.text
    assert comer.api.calls("GET", "/v1/live") == []


def test_the_navigation_says_which_pages_are_locked() -> None:
    locked = run(browser("config:read").get("/console/session")).text
    assert 'class="locked" title="needs the scope audit:read"' in locked
    assert 'class="locked"' not in run(browser().get("/console/session")).text


def test_the_root_leads_to_the_first_page_that_the_viewer_may_see() -> None:
    assert run(browser().get("/console")).headers["location"] == "/console/now"
    assert run(browser("audit:read").get("/console/")).headers["location"] == "/console/needs"
    assert run(browser("events:write").get("/console")).headers["location"] == "/console/session"


def test_an_unknown_page_and_another_method_are_pages_too() -> None:
    assert run(browser().get("/console/nowhere")).status_code == 404
    assert run(browser().post("/console/session")).status_code == 405


def test_the_key_and_the_cookie_are_in_no_page() -> None:
    text = run(browser().get("/console/session")).text
    assert "kairos_test_key" not in text
    assert COOKIE not in text


def _answers(get: Callable[[Browser, str], Coroutine[Any, Any, httpx.Response]]) -> list[httpx.Response]:
    comer = browser()
    paths = ("/console", "/console/session", "/console/nowhere", "/console/fail", "/console/ask")
    return [run(get(comer, path)) for path in paths]


def test_every_answer_lets_in_nothing_from_elsewhere_and_is_kept_nowhere() -> None:
    for answer in (*_answers(Browser.get), *_answers(Browser.live), run(browser().post("/console/change"))):
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


GOOD: Mapping[str, Any] = {"csrf": CSRF, "origin": HOST}


def test_a_form_of_our_own_changes_something() -> None:
    comer = browser()
    answer = run(comer.post("/console/change", **GOOD))
    assert answer.status_code == 303
    assert len(comer.api.calls("POST", "/v1/decisions/d-0001:rerun")) == 1


def test_a_script_of_ours_gives_the_secret_in_a_header() -> None:
    answer = run(browser().post("/console/change", csrf=None, headers={"x-csrf-token": CSRF}))
    assert answer.status_code == 303


@pytest.mark.parametrize("wrong", [
    {"csrf": None}, {"csrf": ""}, {"csrf": "g" * 43}, {"csrf": CSRF[:-1]}, {"origin": "https://evil.example"},
    {"origin": "null"}, {"origin": None}, {"origin": None, "headers": {"sec-fetch-site": "cross-site"}},
    {"origin": None, "headers": {"sec-fetch-site": "same-site"}}, {"origin": "http://kairos.evil.example"},
], ids=str)
def test_a_form_from_elsewhere_or_without_the_secret_changes_nothing(wrong: Mapping[str, Any]) -> None:
    comer = browser()
    answer = run(comer.post("/console/change", **{**GOOD, **wrong}))
    assert answer.status_code == 403
    assert "nothing was done" in answer.text
    assert [one for one in comer.api.asked if one.method != "GET"] == []


def test_an_origin_under_which_a_proxy_shows_the_console_is_ours_too() -> None:
    comer = browser()
    config = ConsoleConfig("http://api", ("https://console.example",), comer.api.transport)
    comer.http._transport = httpx.ASGITransport(console_app(config, comer.sessions, routes=TRIED))
    assert run(comer.post("/console/change", origin="https://console.example")).status_code == 303


def test_a_page_tells_that_nobody_answers_and_asks_again_by_itself() -> None:
    comer = browser()
    comer.api.away = True
    answer = run(comer.get("/console/ask"))
    assert answer.status_code == 503
    assert "restarting" in answer.text
    assert 'data-again="5"' in answer.text


def test_a_live_part_that_cannot_be_made_just_now_says_so_in_a_header() -> None:
    comer = browser()
    comer.api.away = True
    answer = run(comer.live("/console/ask"))
    assert (answer.status_code, answer.headers["x-kairos-problem"], answer.content) == (204, "503", b"")


def test_what_the_console_itself_fails_at_is_a_page_and_a_line_in_the_log_without_keys() -> None:
    with capture_logs() as lines:
        answer = run(browser().get("/console/fail?customer=hh-1"))
    assert answer.status_code == 500
    assert "RuntimeError" not in answer.text
    assert "the state of a customer" not in answer.text
    assert [(line["event"], line["call"], line["error"]) for line in lines] == [
        ("console_failed", "fail", "RuntimeError"),
    ]


def test_a_catalog_of_one_mebibyte_fits_into_a_form_and_much_more_does_not() -> None:
    sent = {"origin": HOST, "content-type": "application/x-www-form-urlencoded"}
    form = f"csrf={CSRF}&catalog=".encode()
    fits = form + b"%C3%A9" * (1024 * 1024 // 2)
    assert run(browser().http.post("/console/change", content=fits, headers=sent)).status_code == 303
    larger = form + b"x" * limits.CONSOLE_FORM_BYTES_MAX
    answer = run(browser().http.post("/console/change", content=larger, headers=sent))
    assert answer.status_code == 413
    assert "1 MiB" in answer.text


def test_a_body_that_is_no_form_is_refused() -> None:
    sent = {"origin": HOST, "content-type": "application/json"}
    answer = run(browser().http.post("/console/change", content=b"{}", headers=sent))
    assert answer.status_code == 400


def test_two_pages_of_one_address_are_a_mistake_that_the_start_tells() -> None:
    config = ConsoleConfig("http://api")
    with pytest.raises(ValueError, match="two pages for GET /ask"):
        console_app(config, signed_in(), routes=(*TRIED, PageRoute("GET", "/ask", _ask, "Ask")))
