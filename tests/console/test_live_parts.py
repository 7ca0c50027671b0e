"""What moves on a page: once a second while it is looked at, without disturbing who looks."""

from __future__ import annotations

import pytest
from console.conftest import TILL, Opens
from playwright.sync_api import Response, expect
from support.pages import figure, go, number
from support.server import Server, fresh

HIDES = "Object.defineProperty(document, 'hidden', {value: true, configurable: true})"
SHOWS = "delete document.hidden"
#: Of the page's own clock.
SECONDS = 5


def is_live(answer: Response) -> bool:
    return answer.url.partition("?")[0].endswith("/live")


@pytest.mark.parametrize("path", ["/now", "/money", "/cluster"])
def test_a_page_that_is_looked_at_asks_once_a_second_and_a_hidden_one_is_quiet(opens: Opens, path: str) -> None:
    page, _ = opens()
    page.clock.install()
    go(page, path)
    page.clock.pause_at(page.evaluate("Date.now() + 60_000"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for _ in range(SECONDS):
        with page.expect_response(is_live):
            page.clock.run_for(1_000)
    assert SECONDS - 1 <= len(asked) <= SECONDS + 1  # one may have been under way, or due, when the clock stopped
    page.evaluate(HIDES)
    asked.clear()
    page.clock.run_for(10_000)
    assert asked == []
    page.evaluate(SHOWS)
    with page.expect_response(is_live):
        page.clock.run_for(1_500)


def test_nothing_new_is_answered_with_304(opens: Opens) -> None:
    page, _ = opens()
    go(page, "/money")
    with page.expect_response(lambda answer: is_live(answer) and answer.status == 304):
        pass


def test_a_decision_appears_by_itself_and_leaves_focus_scroll_and_selection(opens: Opens, shop: Server) -> None:
    page, _ = opens(height=500)
    go(page, "/now", window="all")
    before = number(figure(page, "Decisions"))
    page.locator("#per-minute-numbers summary").click()
    box = page.get_by_placeholder("Find a customer")
    box.fill("half-typed")
    box.evaluate("box => box.setSelectionRange(2, 6)")
    page.evaluate("window.scrollTo(0, 120)")
    customer = fresh("seen")
    shop.decide(customer, *TILL)
    expect(page.locator("#flow")).to_contain_text(customer)
    assert number(figure(page, "Decisions")) == before + 1
    expect(box).to_be_focused()
    assert box.evaluate("box => [box.value, box.selectionStart, box.selectionEnd]") == ["half-typed", 2, 6]
    assert page.evaluate("window.scrollY") == 120
    assert page.locator("#per-minute-numbers").get_attribute("open") is not None


def test_old_data_are_told_and_fresh_ones_take_it_back(opens: Opens) -> None:
    page, watch = opens()
    watch.expected.append("net::ERR_INTERNET_DISCONNECTED")
    go(page, "/now")
    expect(page.locator("#stale")).to_be_empty()
    page.context.set_offline(True)
    expect(page.locator("#stale")).to_contain_text("does not answer")
    page.context.set_offline(False)
    expect(page.locator("#stale")).to_be_empty()


def test_a_customers_page_shows_what_has_just_happened(opens: Opens, shop: Server) -> None:
    customer = fresh("walker")
    shop.event(customer, "page_view")
    page, _ = opens()
    go(page, "/customer", id=customer)
    shop.put(f"/v1/customers/{customer}/consent", {"marketing": True})
    expect(page.locator("#part-consent")).to_contain_text("marketing")
