"""What customers and catalogs hold is shown as text, whatever it looks like."""

from __future__ import annotations

from typing import Any

from console.conftest import TILL, Opens
from playwright.sync_api import Page
from support.pages import go
from support.server import Server, eventually, fresh

EVIL = '<script>window.taken = 1</script><img src=x onerror="window.taken = 2">"\'{{ 7 * 7 }}'


def stays_text(page: Page, what: str) -> None:
    assert page.evaluate("window.taken") is None
    assert page.locator("img[src='x']").count() == 0
    assert what in page.locator("body").inner_text()


def test_ids_attributes_properties_and_content_that_look_like_scripts(opens: Opens, shop: Server) -> None:
    catalog = shop.get("/v1/catalog")["catalog"]
    customer = f"{fresh('evil')}{EVIL}"
    text = next(one["id"] for one in catalog["attributes"] if one["type"] == "string")
    published = shop.client.put("/v1/catalog", json=_with_evil_content(catalog))
    assert published.status_code == 200, published.text
    try:
        quoted = customer.replace("%", "%25").replace("/", "%2F").replace("?", "%3F").replace("#", "%23")
        answer = shop.client.put(f"/v1/customers/{quoted}/attributes", json={text: EVIL})
        assert answer.status_code == 200, answer.text
        shop.event(customer, "page_view", note=EVIL)
        decision = shop.decide(customer, *TILL, context={"page": EVIL})
        eventually("it is counted", lambda: decision["decision_id"] in shop.client.get("/v1/live").text)
        page, watch = opens()
        go(page, "/now")
        stays_text(page, EVIL)
        go(page, "/customer", id=customer)
        page.locator("#timeline-panel details").first.click()
        stays_text(page, EVIL)
        go(page, f"/why/{decision['decision_id']}")
        for details in page.locator("details.raw summary").all():
            details.click()
        stays_text(page, EVIL)
        go(page, "/whatif")
        assert page.evaluate("window.taken") is None
        watch.expected.append("status of 404")
        go(page, "/customer", id=f"nobody{EVIL}")
        stays_text(page, EVIL)
    finally:
        assert shop.client.put("/v1/catalog", json=catalog).status_code == 200


def _with_evil_content(catalog: dict[str, Any]) -> dict[str, Any]:
    def treatment(one: dict[str, Any]) -> dict[str, Any]:
        return {**one, "content": {**one.get("content", {}), "title": EVIL}}

    return {**catalog, "actions": [
        {**action, "treatments": [treatment(one) for one in action["treatments"]]} for action in catalog["actions"]
    ]}
