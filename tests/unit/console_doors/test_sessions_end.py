"""A session ends when it is ended, when its key is, and never because a process was killed."""

from __future__ import annotations

import re

import httpx
import pytest
from structlog.testing import capture_logs
from unit.console_doors.rig import KEY, OTHER_KEY, Rig, run

from cluster.console.frame import COOKIE

_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
SAME = {"origin": "http://127.0.0.1:8000"}


async def csrf_of(browser: httpx.AsyncClient) -> str:
    found = _CSRF.search((await browser.get("/console/session")).text)
    assert found is not None
    return found[1]


def test_signing_out_ends_the_session_in_the_browser_and_in_the_store(rig: Rig) -> None:
    async def work() -> None:
        browser = await rig.signed_in()
        cookie = browser.cookies[COOKIE]
        answer = await browser.post("/console/out", data={"csrf": await csrf_of(browser)}, headers=SAME)
        assert answer.status_code == 200
        assert "Max-Age=0" in answer.headers["set-cookie"]
        assert "ops" not in answer.text
        assert (await browser.get("/console/session", headers={"cookie": f"{COOKIE}={cookie}"})).status_code == 401
        await browser.aclose()

    run(work)


@pytest.mark.parametrize(("given", "headers"), [
    (None, SAME), ("another", SAME), ("own", {"origin": "http://evil.example"}), ("own", {"origin": "null"}),
    ("own", {}),
])
def test_nobody_else_signs_somebody_out(rig: Rig, given: str | None, headers: dict[str, str]) -> None:
    async def work() -> None:
        browser, other = await rig.signed_in(), await rig.signed_in(OTHER_KEY)
        tokens = {"own": await csrf_of(browser), "another": await csrf_of(other)}
        data = {"csrf": tokens[given]} if given else {}
        assert (await browser.post("/console/out", data=data, headers=headers)).status_code == 403
        assert (await browser.get("/console/session")).status_code == 200
        for one in (browser, other):
            await one.aclose()

    run(work)


def test_a_session_ends_with_its_key_and_does_not_come_back(rig: Rig) -> None:
    async def work() -> None:
        browser = await rig.signed_in()
        cookie = browser.cookies[COOKIE]
        told = rig.api.callers.pop(KEY)
        ended = await browser.get("/console/session", headers={"cookie": f"{COOKIE}={cookie}"})
        assert ended.status_code == 401
        assert "revoked" in ended.text
        rig.api.callers[KEY] = told
        assert (await browser.get("/console/session", headers={"cookie": f"{COOKIE}={cookie}"})).status_code == 401
        await browser.aclose()

    run(work)


def test_a_session_of_a_key_that_may_read_nothing_ends_with_it_too(rig: Rig) -> None:
    async def work() -> list[int]:
        browser = await rig.signed_in(OTHER_KEY)
        seen = [(await browser.get("/console/session")).status_code]
        rig.api.callers.pop(OTHER_KEY)
        seen.append((await browser.get("/console/session")).status_code)
        await browser.aclose()
        return seen

    assert run(work) == [200, 401]


def test_sessions_and_links_outlive_the_process_that_made_them(rig: Rig) -> None:
    async def work() -> None:
        browser, link = await rig.signed_in(), await rig.link()
        rig.app = rig.another_process()
        async with rig.browser() as later:
            answer = await later.get("/console/session", headers={"cookie": f"{COOKIE}={browser.cookies[COOKIE]}"})
            assert answer.status_code == 200
            assert (await later.get(link)).status_code == 200
        await browser.aclose()

    run(work)


def test_a_store_that_is_away_is_a_page_that_asks_again(rig: Rig) -> None:
    async def work() -> httpx.Response:
        rig.damage()
        async with rig.browser() as browser:
            return await browser.get("/console/session", headers={"cookie": f"{COOKIE}={'a' * 43}"})

    answer = run(work)
    assert answer.status_code == 503
    assert "data-again" in answer.text
    assert str(rig.data_dir) not in answer.text


def test_no_line_of_a_log_has_a_key_a_link_or_a_cookie(
    rig: Rig, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str],
) -> None:
    async def work() -> list[str]:
        link = await rig.link()
        browser = rig.browser()
        await browser.get(link)
        secrets = [KEY, link.rpartition("/")[2], browser.cookies[COOKIE], await csrf_of(browser)]
        await browser.get(link)
        rig.api.callers.clear()
        await browser.get("/console/session")
        await browser.aclose()
        async with rig.browser() as other:
            await other.post("/console/links", headers={"authorization": f"Bearer {KEY}"})
        rig.damage()
        async with rig.browser() as other:
            await other.get(link)
            await other.get("/console/session", headers={"cookie": f"{COOKIE}={secrets[2]}"})
        return secrets

    with capture_logs() as lines, caplog.at_level("INFO", "cluster"):
        secrets = run(work)
    said = capsys.readouterr()
    whole = f"{lines} {caplog.text} {said.out} {said.err}"
    assert [line["event"] for line in lines] == ["sessions_unreached", "sessions_unreached"]
    assert [secret for secret in secrets if secret in whole] == []
