"""A live part is rendered once for all who see the same, and nobody gets what another one may see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from support.console_browser import Browser
from support.console_sessions import COOKIE, EVERYTHING, MemorySessions, viewer
from unit.console import told_by_api as api

from cluster.console.rendered import RenderedParts
from cluster.console.rendering import Renderer
from cluster.console.session import Session
from models import limits

LIVE = "/console/now/live"
OTHER = "another-cookie"


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The templates that were rendered."""
    seen: list[str] = []
    render: Callable[..., str] = Renderer.render

    def noted(self: Renderer, template: str, *args: Any) -> str:
        seen.append(template)
        return render(self, template, *args)

    monkeypatch.setattr(Renderer, "render", noted)
    return seen


def two_viewers(scopes: frozenset[str] = EVERYTHING, tenant: str = "main") -> Browser:
    """The one under ``COOKIE``, and another one under ``OTHER``."""
    other = Session("another key", "bob", tenant, scopes, "another secret", viewer().expires_ms)
    made = Browser(sessions=MemorySessions({COOKIE: viewer(), OTHER: other}))
    made.api.answers |= {("GET", "/v1/live"): api.live(), ("GET", "/v1/funnel"): api.funnel()}
    return made


async def seen_by_both(made: Browser, path: str = LIVE) -> tuple[str, str]:
    first = await made.live(path)
    made.http.cookies.set("kairos_console", OTHER)
    second = await made.live(path)
    assert (first.status_code, second.status_code) == (200, 200)
    return first.text, second.text


def test_what_two_viewers_see_alike_is_rendered_once(rendered: list[str]) -> None:
    first, second = asyncio.run(seen_by_both(two_viewers()))
    assert first == second
    assert rendered == ["pages/now_live.html"]


@pytest.mark.parametrize(("scopes", "tenant"), [(frozenset({"config:read"}), "main"), (EVERYTHING, "acme")])
def test_a_viewer_of_other_scopes_or_of_another_tenant_gets_a_part_of_their_own(
    scopes: frozenset[str], tenant: str, rendered: list[str],
) -> None:
    asyncio.run(seen_by_both(two_viewers(scopes, tenant)))
    assert rendered == ["pages/now_live.html"] * 2


def test_each_viewers_own_key_asks_though_the_part_is_there() -> None:
    made = two_viewers()
    asyncio.run(seen_by_both(made))
    keys = {asked.headers["authorization"] for asked in made.api.calls("GET", "/v1/live")}
    assert len(keys) == 2


def test_other_data_are_rendered_anew(rendered: list[str]) -> None:
    made = two_viewers()

    async def twice() -> tuple[str, str]:
        first = (await made.live(LIVE)).text
        made.api.answers["GET", "/v1/live"] = api.live() | {"version": 1, "rate_per_s": 4_711.5}
        return first, (await made.live(LIVE)).text

    first, second = asyncio.run(twice())
    assert "4,711.5" not in first
    assert "4,711.5" in second
    assert len(rendered) == 2


def test_nothing_is_rendered_for_who_has_it(rendered: list[str]) -> None:
    made = two_viewers()

    async def again() -> int:
        tag = (await made.live(LIVE)).headers["etag"]
        return (await made.live(LIVE, tag)).status_code

    assert asyncio.run(again()) == 304
    assert len(rendered) == 1


@pytest.mark.parametrize("path", [LIVE, "/console/money/live", "/console/cluster/live"])
def test_nothing_of_a_viewer_is_in_what_is_shared(path: str) -> None:
    first, second = asyncio.run(seen_by_both(two_viewers(), path))
    for text in (first, second):
        assert "another secret" not in text
        assert "bob" not in text


def test_parts_are_bounded_in_number_bytes_and_age() -> None:
    clock = Clock()
    parts = RenderedParts(clock)
    for at in range(limits.CONSOLE_PARTS_KEPT_MAX + 5):
        parts.keep(("t", str(at), ""), b"x")
    assert len(parts) == limits.CONSOLE_PARTS_KEPT_MAX
    assert (parts.get(("t", "4", "")), parts.get(("t", "5", ""))) == (None, b"x")
    for at in range(3):
        parts.keep(("t", "large", str(at)), b"x" * (limits.CONSOLE_PARTS_BYTES_MAX // 2))
    assert len(parts) == 2
    clock.now_s += limits.CONSOLE_PART_KEPT_MS / 1_000
    assert parts.get(("t", "large", "2")) is None
    assert not len(parts)


def test_an_open_money_page_does_not_ask_for_the_budgets_each_second_and_says_how_old_they_are() -> None:
    made = two_viewers()

    async def ticks() -> list[str]:
        return [(await made.live("/console/money/live")).headers["x-data-age-ms"] for _ in range(4)]

    ages = asyncio.run(ticks())
    assert len(made.api.calls("GET", "/v1/budgets")) == 1
    assert len(made.api.calls("GET", "/v1/funnel")) == 4, "so that a key that ended is noticed"
    assert ages[0] == "0"
    assert int(ages[-1]) <= limits.CONSOLE_BUDGETS_BELIEVED_MS


def test_a_budget_is_told_to_each_key_by_the_api_itself_and_a_refusal_is_not_kept() -> None:
    made = two_viewers()
    asyncio.run(seen_by_both(made, "/console/money/live"))
    assert len(made.api.calls("GET", "/v1/budgets")) == 2
    refused = two_viewers()
    refused.api.refuse("GET", "/v1/budgets", 503, "away")

    async def twice() -> None:
        for _ in range(2):
            await refused.live("/console/money/live")

    asyncio.run(twice())
    assert len(refused.api.calls("GET", "/v1/budgets")) == 2
