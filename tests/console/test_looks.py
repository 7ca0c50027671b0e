"""Pages work at every width, in both schemes, by keyboard alone, and for who does not see them."""

from __future__ import annotations

from pathlib import Path

import pytest
from console.conftest import MAIL, TILL, Opens
from playwright.sync_api import Page, expect
from support.browser import violations
from support.pages import go
from support.server import Server, fresh

WIDTHS = ((360, 740, "dark"), (1280, 900, "light"), (2560, 1300, "dark"))


def pages_of(shop: Server) -> dict[str, tuple[str, dict[str, str]]]:
    customer = fresh("looked-at")
    shop.put(f"/v1/customers/{customer}/consent", {"marketing": True})
    decision = shop.decide(customer, *MAIL)
    return {
        "now": ("/now", {"window": "all"}), "money": ("/money", {"window": "all"}), "cluster": ("/cluster", {}),
        "runbook": ("/cluster/runbook", {}), "find": ("/customer", {}), "customer": ("/customer", {"id": customer}),
        "then": ("/customer", {"id": customer, "as_of": "1"}), "erase": ("/customer/erase", {"id": customer}),
        "why": (f"/why/{decision['decision_id']}", {"now": "1"}), "whatif": ("/whatif", {}),
        "session": ("/session", {}), "nowhere": ("/nowhere", {}),
    }


def is_wider_than_the_window(page: Page) -> bool:
    wider: bool = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return wider


@pytest.mark.parametrize(("width", "height", "scheme"), WIDTHS)
def test_no_page_violates_a_rule_of_axe_or_scrolls_sideways(
    opens: Opens, shop: Server, width: int, height: int, scheme: str,
) -> None:
    page, watch = opens(width=width, height=height, scheme=scheme)
    watch.expected.append("status of 404")
    found: dict[str, list[str]] = {}
    for name, (path, query) in pages_of(shop).items():
        go(page, path, **query)
        wrong = violations(page) + (["wider than the window"] if is_wider_than_the_window(page) else [])
        if wrong:
            found[name] = wrong
    assert found == {}


def test_everything_can_be_reached_by_keyboard(opens: Opens, shop: Server) -> None:
    shop.decide(fresh("keyed"), *TILL)
    page, _ = opens()
    go(page, "/now")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    reached: set[str] = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.className + ' ' + document.activeElement.id"))
        if "row-link" in " ".join(reached):
            break
    assert page.evaluate("document.activeElement.matches('a.row-link')")
    page.keyboard.press("Enter")
    page.wait_for_url("**/why/**")


def test_every_table_can_be_copied_and_kept(opens: Opens) -> None:
    page, _ = opens(permissions=["clipboard-read", "clipboard-write"], accept_downloads=True)
    go(page, "/cluster")
    page.locator("[data-table-copy=shards]").click()
    copied: str = page.evaluate("navigator.clipboard.readText()")
    assert copied.splitlines()[0].startswith("Shard\tState")
    assert len(copied.strip().splitlines()) == 1 + page.locator("#shards tbody tr").count()
    with page.expect_download() as kept:
        page.locator("[data-table-csv=shards]").click()
    assert kept.value.suggested_filename.endswith(".csv")
    assert Path(kept.value.path()).read_text(encoding="utf-8-sig").startswith("Shard,State")


def test_every_chart_has_its_table(opens: Opens) -> None:
    page, _ = opens()
    go(page, "/now", window="all")
    charts = page.locator("figure.chart")
    assert charts.count() >= 2
    for chart in charts.all():
        expect(chart.locator("canvas").first).to_be_attached()
        assert chart.locator("table.data tbody tr").count() >= 1
