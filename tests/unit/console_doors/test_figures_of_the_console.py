"""What the console tells of itself: pages by their patterns, nobody by any name."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from unit.console_doors.rig import KEY, Rig, run

from actors.gateway.batching import ShardGone
from actors.metrics.of_console import CONSOLE, REQUEST, REQUESTS, VIEWERS
from cluster.console.figures import Figures
from cluster.console.pages import ROUTES
from cluster.console.telling import told
from models import canonical, limits


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_requests_are_counted_by_the_pattern_of_their_page_and_by_status(rig: Rig) -> None:
    async def scenario() -> dict[tuple[str, str], int]:
        link = await rig.link()
        browser = rig.browser()
        for path in (link, link, "/console/session", "/console/session", "/console/why/ann-of-oslo",
                     "/console/nowhere/ann-of-oslo", "/console/static/nothing.js"):
            await browser.get(path)
        await rig.browser().get("/console/session")
        await browser.aclose()
        return {(page, status): count for (page, status), count in rig.app.frame.figures.told()[REQUESTS.name]}

    counted = run(scenario)
    assert counted[("/links", "200")] == 1
    assert (counted[("/in/", "200")], counted[("/in/", "410")]) == (1, 1)
    assert (counted[("/session", "200")], counted[("/session", "401")]) == (2, 1)
    assert (counted[("none", "404")], counted[("static", "404")]) == (1, 1)
    assert sum(counted.values()) == 9
    known = {route.path for route in ROUTES}
    assert {page for page, _ in counted} <= known | {"/links", "/in/", "none", "static"}


def test_neither_a_key_nor_a_cookie_nor_an_id_is_told(rig: Rig) -> None:
    async def scenario() -> bytes:
        browser = await rig.signed_in()
        await browser.get("/console/why/ann-of-oslo")
        cookie = browser.cookies["kairos_console"]
        text = canonical.pack(rig.app.frame.figures.told())
        assert cookie.encode() not in text
        await browser.aclose()
        return text

    text = run(scenario)
    for secret in (KEY.encode(), b"ann-of-oslo", b"ops"):
        assert secret not in text


def test_sessions_look_on_for_a_minute_and_are_counted_when_they_begin(rig: Rig) -> None:
    async def scenario() -> None:
        figures = rig.app.frame.figures
        for _ in range(2):
            browser = await rig.signed_in()
            await browser.get("/console/session")
            await browser.get("/console/session")
            await browser.aclose()
        assert figures.begun == 2
        assert figures.told()[VIEWERS.name] == [[[], 2]]

    run(scenario)


def test_who_asks_no_more_is_not_counted_as_looking_and_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 0.0
    figures = Figures(lambda: now_s)
    figures.seen("a")
    now_s = limits.CONSOLE_VIEWER_MS / 1_000 - 1
    figures.seen("b")
    assert figures.told()[VIEWERS.name] == [[[], 2]]
    now_s += 1
    assert figures.told()[VIEWERS.name] == [[[], 1]]
    monkeypatch.setattr(limits, "CONSOLE_VIEWERS_MAX", 3)
    for cookie in range(9):
        figures.seen(str(cookie))
    assert figures.told()[VIEWERS.name] == [[[], 3]]


def test_every_family_is_told_and_files_do_not_count_into_how_long_pages_take() -> None:
    figures = Figures(lambda: 0.0)
    figures.answered({"kairos.page": "/now"}, 200, 0.004)
    figures.answered({"kairos.page": "static"}, 200, 9.0)
    assert set(figures.told()) == set(CONSOLE)
    ((_, buckets, seconds),) = figures.told()[REQUEST.name]
    assert (sum(buckets), seconds) == (1, 0.004)


def test_insight_is_told_who_tells_and_need_not_be_there() -> None:
    heard = []

    async def tell(replica: str, body: bytes) -> None:
        heard.append((replica, set(canonical.unpack(body))))

    async def away(replica: str, body: bytes) -> None:
        raise ShardGone("it starts")

    figures = Figures(lambda: 0.0)
    figures.answered({}, 200, 0.1)
    assert asyncio.run(told(figures, "c1", tell))
    assert heard == [("c1", set(CONSOLE))]
    assert not asyncio.run(told(figures, "c1", away))
