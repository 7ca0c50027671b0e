"""Links work once, sessions end, and who may not read profiles sees nobody."""

from __future__ import annotations

import subprocess

from console.conftest import TILL, Opens, named_key
from playwright.sync_api import Browser, expect
from support.browser import one_time_link, viewer
from support.pages import go, says
from support.server import Server, fresh, kairos


def test_the_demo_tells_how_to_open_the_console(shop: Server) -> None:
    assert f"{shop.url}/console/in/" in (shop.data_dir.parent / "said.txt").read_text()


def test_a_link_works_once(browser: Browser, shop: Server) -> None:
    link = one_time_link(shop.url, shop.key)
    first, second = browser.new_context(), browser.new_context()
    opened = first.new_page()
    opened.goto(link)
    opened.wait_for_url(lambda address: "/console/in/" not in address)
    refused = second.new_page()
    answer = refused.goto(link)
    assert answer is not None
    assert answer.status == 410
    assert "kairos console" in says(refused)
    assert second.cookies() == []
    first.close()
    second.close()


def test_the_command_prints_a_link_that_leads_in(browser: Browser, shop: Server) -> None:
    command = [*kairos(), "console", "--data-dir", str(shop.data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    link = next(word for word in done.stdout.split() if word.startswith("http"))
    context = browser.new_context()
    page = context.new_page()
    page.goto(link)
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
    context.close()


def test_a_session_without_the_scope_sees_no_customer_anywhere(opens: Opens, shop: Server) -> None:
    customer = fresh("secret")
    shop.event(customer, "page_view", note="wears a red scarf")
    decision = shop.decide(customer, *TILL)
    full, _ = opens()
    go(full, "/now")
    expect(full.locator("#flow")).to_contain_text(customer)
    page, watch = opens("config:read")
    watch.expected.append("status of 403")
    seen = []
    part = page.request.get(f"{shop.url}/console/now/live", headers={"x-kairos-live": "1"})
    assert part.status == 200
    assert customer not in part.text()
    for path in ("/now", "/money", "/cluster", "/whatif", f"/why/{decision['decision_id']}"):
        status = go(page, path)
        seen.append((path, status))
        assert customer not in page.content(), path
        assert "red scarf" not in page.content(), path
    status = go(page, "/customer", id=customer)
    assert status == 403
    assert "profiles:read" in says(page)
    assert dict(seen)[f"/why/{decision['decision_id']}"] == 403
    go(page, "/now")
    expect(page.locator("#flow .masked").first).to_be_visible()


def test_a_revoked_key_ends_its_sessions_at_the_next_page(browser: Browser, shop: Server) -> None:
    name, key = named_key(shop, "config:read")
    with viewer(browser, shop.url, key) as (page, watch):
        watch.expected.append("status of 401")
        go(page, "/now")
        subprocess.run([*kairos(), "key", "revoke", name, "--data-dir", str(shop.data_dir)], check=True, timeout=60,
                       capture_output=True)
        expect(page.locator("#stale")).to_contain_text("session has ended")
        assert go(page, "/now") == 401
        assert "kairos console" in says(page)
        assert page.context.cookies() == []


def test_signing_out_ends_the_session(opens: Opens, shop: Server) -> None:
    page, watch = opens()
    watch.expected.append("status of 401")
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/console")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_load_state()
    page.context.add_cookies([cookie])
    assert go(page, "/now") == 401
