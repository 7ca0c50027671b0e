"""A link opens once, for who opens it, and the session that begins is this browser's alone."""

from __future__ import annotations

from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest
from unit.console_doors.rig import KEY, OTHER_KEY, Rig, run

from cluster.console.frame import COOKIE
from models import limits
from models.times import format_time


def cookie_of(answer: httpx.Response) -> str:
    return str(SimpleCookie(answer.headers["set-cookie"])[COOKIE].value)


def flags_of(answer: httpx.Response) -> dict[str, str]:
    morsel = SimpleCookie(answer.headers["set-cookie"])[COOKIE]
    return {name: str(value).lower() for name, value in morsel.items() if value}


def test_a_link_begins_a_session_that_only_the_consoles_own_pages_send(rig: Rig) -> None:
    async def work() -> None:
        async with rig.browser() as browser:
            answer = await browser.get(await rig.link())
            assert answer.status_code == 200
            assert flags_of(answer) == {
                "httponly": "true", "samesite": "strict", "path": "/console", "max-age": str(12 * 3_600),
            }
            assert 'content="0; url=/console"' in answer.text
            assert "ops" in answer.text
            assert KEY not in answer.text
            assert answer.headers["cache-control"] == "no-store"
            assert (await browser.get("/console/session")).status_code == 200
        async with rig.browser() as other:
            assert (await other.get("/console/session")).status_code == 401

    run(work)


@pytest.mark.parametrize(("base", "headers", "is_secure"), [
    ("http://127.0.0.1:8000", {}, False),
    ("http://localhost:8000", {}, False),
    ("http://[::1]:8000", {}, False),
    ("http://127.0.0.1:8000", {"x-forwarded-proto": "https"}, True),
    ("http://kairos.example", {}, True),
    ("http://127.0.0.1.example", {}, True),
    ("http://kairos.example", {"x-forwarded-proto": "https"}, True),
])
def test_a_cookie_does_without_tls_on_its_own_machine_alone(
    tmp_path: Path, base: str, headers: dict[str, str], is_secure: bool,
) -> None:
    rig = Rig(tmp_path, base)

    async def work() -> httpx.Response:
        async with rig.browser() as browser:
            return await browser.get(await rig.link(), headers=headers)

    assert ("secure" in flags_of(run(work))) is is_secure


def test_a_link_used_twice_is_a_page_that_says_what_to_do(rig: Rig) -> None:
    async def work() -> None:
        link = await rig.link()
        async with rig.browser() as first, rig.browser() as second:
            assert (await first.get(link)).status_code == 200
            again = await second.get(link)
            assert again.status_code == 410
            assert "set-cookie" not in again.headers
            assert "kairos console" in again.text
            assert "go on to the console" not in again.text
            assert "go on to the console" in (await first.get(link)).text
            assert (await first.get("/console/session")).status_code == 200
            assert (await second.get("/console/session")).status_code == 401

    run(work)


def test_an_expired_link_opens_nothing(rig: Rig) -> None:
    async def work() -> int:
        link = await rig.link()
        rig.now_s += limits.CONSOLE_LINK_MS / 1_000
        async with rig.browser() as browser:
            return (await browser.get(link)).status_code

    assert run(work) == 410


@pytest.mark.parametrize("guess", ["", "a", "a" * 43, "a" * 4_000, "%2e%2e%2fin", "%00", "a/b", "é"])
def test_a_guessed_link_opens_nothing(rig: Rig, guess: str) -> None:
    async def work() -> httpx.Response:
        async with rig.browser() as browser:
            return await browser.get(f"/console/in/{guess}")

    answer = run(work)
    assert answer.status_code == 410
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(("method", "headers", "status"), [
    ("HEAD", {}, 405), ("POST", {}, 405), ("GET", {"sec-purpose": "prefetch;prerender"}, 503),
    ("GET", {"purpose": "prefetch"}, 503),
])
def test_who_only_looks_ahead_does_not_use_a_link_up(
    rig: Rig, method: str, headers: dict[str, str], status: int,
) -> None:
    async def work() -> None:
        link = await rig.link()
        async with rig.browser() as browser:
            assert (await browser.request(method, link, headers=headers)).status_code == status
            assert (await browser.get(link)).status_code == 200

    run(work)


def test_no_cookie_that_a_browser_brings_becomes_the_sessions(rig: Rig) -> None:
    """Whoever planted a cookie knows it: the session's must be another."""
    planted = "p" * 43

    async def work() -> None:
        async with rig.browser() as browser:
            browser.cookies.set(COOKIE, planted, domain="127.0.0.1", path="/console")
            answer = await browser.get(await rig.link())
            assert cookie_of(answer) != planted
        async with rig.browser() as other:
            assert (await other.get("/console/session", headers={"cookie": f"{COOKIE}={planted}"})).status_code == 401

    run(work)


def test_entering_anew_ends_the_session_that_was(rig: Rig) -> None:
    async def work() -> None:
        browser = await rig.signed_in(OTHER_KEY)
        old = browser.cookies[COOKIE]
        answer = await browser.get(await rig.link(KEY))
        assert cookie_of(answer) != old
        async with rig.browser() as other:
            assert (await other.get("/console/session", headers={"cookie": f"{COOKIE}={old}"})).status_code == 401
        assert "ops" in (await browser.get("/console/session")).text
        await browser.aclose()

    run(work)


def test_a_link_is_no_cookie_and_a_cookie_no_link(rig: Rig) -> None:
    async def work() -> None:
        link = await rig.link()
        token = link.rpartition("/")[2]
        async with rig.browser() as stranger:
            assert (await stranger.get("/console/session", headers={"cookie": f"{COOKIE}={token}"})).status_code == 401
        browser = await rig.signed_in()
        async with rig.browser() as stranger:
            assert (await stranger.get(f"/console/in/{browser.cookies[COOKIE]}")).status_code == 410
        assert (await browser.get("/console/session")).status_code == 200
        await browser.aclose()

    run(work)


def test_a_session_never_outlives_its_key_nor_twelve_hours(rig: Rig) -> None:
    async def work() -> None:
        long = await rig.signed_in(OTHER_KEY)
        ends_ms = int(rig.now_s * 1_000) + limits.HOUR_MS
        rig.api.callers[KEY]["expires"] = format_time(ends_ms)
        async with rig.browser() as short:
            answer = await short.get(await rig.link())
            assert flags_of(answer)["max-age"] == "3600"
            rig.now_s += 3_600
            assert (await short.get("/console/session")).status_code == 401
            assert (await long.get("/console/session")).status_code == 200
            rig.now_s += 11 * 3_600
            assert (await long.get("/console/session")).status_code == 401
        await long.aclose()

    run(work)
