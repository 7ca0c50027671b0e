"""The questions for which people open the console: why not this one, and what if the catalog were another."""

from __future__ import annotations

import re
import time

from console.conftest import MAIL, TILL, Opens
from playwright.sync_api import expect
from support.pages import go, says, table
from support.server import Server, eventually, fresh


def test_why_something_was_not_shown_is_three_clicks_from_now(opens: Opens, shop: Server) -> None:
    customer = fresh("asks-why")
    decision = shop.decide(customer, *MAIL)
    explanation = shop.get(f"/v1/decisions/{decision['decision_id']}/explanation")
    missing = next(one for one in explanation["candidates"] if one.get("removed_by") not in (None, "not_chosen"))
    page, _ = opens()
    go(page, "/now")
    row = page.locator("#flow tr").filter(has_text=customer)
    row.locator("a.row-link").click()  # one: the decision
    group = page.locator(f"#gate-{missing['removed_by']}")
    if group.get_attribute("open") is None:
        group.locator("summary").click()  # two: the gate
    group.get_by_role("link", name=missing["action"], exact=True).click()  # three: the action
    answer = page.locator("#answer")
    expect(answer).to_contain_text(missing["action"])
    expect(answer).to_contain_text("was not shown")
    expect(answer).to_contain_text(missing["detail"])


def test_a_decision_is_run_again_to_the_same_bytes(opens: Opens, shop: Server) -> None:
    decision = shop.decide(fresh("again"), *TILL)
    page, _ = opens()
    go(page, f"/why/{decision['decision_id']}")
    page.get_by_role("button", name="Re-run it").click()
    expect(page.locator("#rerun")).to_contain_text("The same bytes")
    logged, again = (code.inner_text() for code in page.locator("#rerun dl code").all())
    assert logged == again
    assert re.fullmatch("[0-9a-f]{64}", logged)
    page.get_by_role("link", name="Explain as now").click()
    expect(page.get_by_role("link", name="Leave now out")).to_be_visible()


def test_stepping_through_a_timeline_shows_the_state_of_that_moment(opens: Opens, shop: Server) -> None:
    customer = fresh("changed")
    shop.put(f"/v1/customers/{customer}/consent", {"marketing": True})
    shop.put(f"/v1/customers/{customer}/consent", {"marketing": False})
    page, _ = opens()
    go(page, "/customer", id=customer)
    assert table(page, "table-consent") == [{"Name": "marketing", "Value": "withdrawn"}]
    page.locator("a[rel=prev]").click()
    then = table(page, "table-consent")[0]
    assert (then["Then"], then["Now"]) == ("given", "withdrawn")
    expect(page.locator("#differences")).to_contain_text("marketing")
    page.locator(".stepper").get_by_role("link", name="Now").click()
    expect(page.locator("#differences")).to_have_count(0)


def test_erasing_names_what_goes_and_wants_the_id_typed(opens: Opens, shop: Server) -> None:
    customer = fresh("leaves")
    shop.event(customer, "page_view")
    shop.decide(customer, *TILL)
    page, watch = opens()
    go(page, "/customer", id=customer)
    page.get_by_role("link", name="Erase").click()
    watch.expected += ["status of 422", "status of 404"]
    goes = {row["What"]: row["How many"] for row in table(page, "goes")}
    assert (goes["Events"], goes["Decisions"]) == ("1", "1")
    page.locator("#typed").fill("somebody else")
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_text("Nothing was erased")).to_be_visible()
    assert shop.get(f"/v1/customers/{customer}")["customer_id"] == customer
    page.locator("#typed").fill(customer)
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_role("heading", name="Erased")).to_be_visible()
    assert shop.client.get(f"/v1/customers/{customer}").status_code == 404
    assert go(page, "/customer", id=customer) == 404
    eventually("nothing of them is told", lambda: customer not in shop.client.get("/v1/live").text)


def test_a_broken_catalog_shows_its_errors_at_their_lines_and_changes_nothing(opens: Opens, shop: Server) -> None:
    before = shop.get("/v1/catalog")["catalog_version"]
    page, watch = opens()
    watch.expected.append("status of 422")
    go(page, "/whatif")
    text = page.locator("#catalog").input_value()
    lines = text.splitlines()
    broken = next(number for number, line in enumerate(lines, 1) if line.strip().startswith("currency:"))
    lines[broken - 1] = "curency: USD"
    page.locator("#catalog").fill("\n".join(lines))
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#found")).to_contain_text("curency")
    expect(page.locator(f"#line-{broken}")).to_be_visible()
    page.get_by_role("button", name="Publish…").click()
    expect(page.locator("#found")).to_contain_text("curency")
    assert shop.get("/v1/catalog")["catalog_version"] == before


def test_another_catalog_is_tried_on_customers_then_published_over_the_one_that_was_seen(
    opens: Opens, shop: Server,
) -> None:
    customer = fresh("tried")
    shop.decide(customer, *TILL)
    eventually("it is counted", lambda: customer in shop.client.get("/v1/live").text)
    live = shop.get("/v1/catalog")["catalog_version"]
    chosen = next(one["id"] for one in shop.get("/v1/catalog")["catalog"]["actions"] if not one.get("fallback"))
    page, _ = opens()
    go(page, "/whatif")
    page.locator("#rule-action").fill(chosen)
    page.locator("#rule-gate").select_option("eligibility")
    rule = f"profile.baskets_90d >= {time.time_ns() % 1_000_000}"
    page.locator("#rule-text").fill(rule)
    page.get_by_role("button", name="Put it into the catalog").click()
    page.get_by_role("button", name="Try it on customers").click()
    expect(page.locator("#found")).to_contain_text(re.compile("customers? .*get|Nobody|of [0-9]+"))
    page.get_by_role("button", name="Publish…").click()
    expect(page.get_by_role("heading", name="Publish this catalog?")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Publish over")).click()
    page.wait_for_load_state()
    published = shop.get("/v1/catalog")
    assert published["catalog_version"] != live
    assert published["catalog_version"][:15] in says(page)
    rules = {one["id"]: one.get("eligibility") for one in published["catalog"]["actions"]}
    assert rules[chosen] == rule
