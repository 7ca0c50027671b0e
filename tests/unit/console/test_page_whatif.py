"""The page What-if: errors at their lines, one rule, what differs, who would get something else, publishing."""

from __future__ import annotations

import asyncio
import html

import pytest
from support import console_people
from support.console_api import Refusal
from support.console_browser import Browser, words
from support.console_people import EXAMPLE, VERSION

from cluster.console.views import whatif
from cluster.console.views.catalog_text import catalog_text
from models import limits
from models.errors import BadInput

TEXT = catalog_text(console_people.CATALOG)
CHANGED = TEXT.replace("cap: 5000", "cap: 9000")
LINE = next(at for at, line in enumerate(TEXT.splitlines(), 1) if "group: win_back" in line)


def post(browser: Browser, do: str, text: str, status: int = 200, **fields: str) -> str:
    form = {"do": do, "catalog": text, "base": VERSION, **fields}
    answer = asyncio.run(browser.post("/console/whatif", form))
    assert answer.status_code == status, answer.text
    return answer.text


def publish(browser: Browser, text: str, status: int) -> str:
    answer = asyncio.run(browser.post("/console/whatif/publish", {"catalog": text, "if_match": VERSION}))
    assert answer.status_code == status, answer.text
    return answer.text


def field(page: str) -> str:
    """The catalog as the form holds it."""
    return html.unescape(page.split('id="catalog"')[1].split(">\n", 1)[1].split("</textarea>")[0])


def published(browser: Browser) -> int:
    return sum(call.params.get("dry_run") is None for call in browser.api.calls("PUT", "/v1/catalog"))


def test_the_live_catalog_stands_in_the_field(browser: Browser) -> None:
    page = asyncio.run(browser.get("/console/whatif")).text
    assert field(page) == TEXT


def test_a_link_may_bring_the_rule_to_be_changed(browser: Browser) -> None:
    page = asyncio.run(browser.get("/console/whatif?action=come_back&gate=eligibility&customer=hh-1")).text
    assert 'placeholder="hh-1229, hh-1230">\nhh-1</textarea>' in page
    assert 'class="rule-text">\nsegments.lapsing</textarea>' in page


def test_errors_stand_at_their_lines_and_change_nothing(browser: Browser) -> None:
    page = post(browser, "check", TEXT.replace("group: win_back", "group: win_bak"))
    assert f'href="#line-{LINE}" data-line="{LINE}"' in page
    assert f'<mark id="line-{LINE}">{LINE}</mark>' in page
    assert "did you mean" in page
    assert published(browser) == 0


def test_what_was_written_comes_back_as_it_was_comments_and_all(browser: Browser) -> None:
    text = "\n# mine\n" + EXAMPLE + "# </textarea><script>alert(1)</script>\n"
    page = post(browser, "check", text)
    assert field(page) == text
    assert "<script>alert" not in page
    assert "The same as the live one" in page


def test_what_differs_is_shown_line_by_line(browser: Browser) -> None:
    page = post(browser, "check", CHANGED)
    assert "+ 1 − 1 lines" in words(page)
    assert "cap: <mark>5000</mark>" in page
    assert "cap: <mark>9000</mark>" in page


def test_a_rule_goes_into_the_text_and_is_checked(browser: Browser) -> None:
    page = post(browser, "rule", EXAMPLE, action="dairy_coupon", gate="suitability", rule="segments.loyal")
    assert 'suitability: "segments.loyal"' in field(page)
    assert "# A catalog" in field(page)
    assert "data-caret=" in page
    assert "No error" in page


def test_an_error_of_the_rule_stands_at_its_line(browser: Browser) -> None:
    page = post(browser, "rule", TEXT, action="come_back", gate="applicability", rule="profile.nothing > 1.0")
    line = next(at for at, line in enumerate(field(page).splitlines(), 1) if "profile.nothing" in line)
    assert f'data-line="{line}"' in page
    assert "actions.1.applicability" in page


def test_a_rule_for_nobody_is_refused_in_words(browser: Browser) -> None:
    page = post(browser, "rule", TEXT, 422, action="nobody", gate="eligibility", rule="true")
    assert "the catalog has no action" in page
    assert field(page) == TEXT


def test_a_size_that_is_none_of_those_offered_is_the_usual_one(browser: Browser) -> None:
    post(browser, "effect", CHANGED, size="9" * 5_000)
    (asked,) = browser.api.calls("POST", "/v1/whatif")
    assert asked.data["sample"] == {"size": 25}


def test_a_sample_shows_who_would_get_something_else_and_why(browser: Browser) -> None:
    told = words(post(browser, "effect", CHANGED, size="10"))
    assert "9 of 25 customers who were tried" in told
    assert "dairy_coupon falls at eligibility under the new catalog" in told
    assert "These features are new or counted anew and start empty: carts_7d." in told
    (asked,) = browser.api.calls("POST", "/v1/whatif")
    assert asked.data == {"catalog": CHANGED, "sample": {"size": 10}}


def test_chosen_customers_are_asked_for_every_placement_of_a_channel(browser: Browser) -> None:
    post(browser, "effect", CHANGED, who="ids", ids="hh-1, hh-2\nhh-1", channel="web", context='{"device": "mobile"}')
    (asked,) = browser.api.calls("POST", "/v1/whatif")
    assert [request["customer_id"] for request in asked.data["requests"]] == ["hh-1", "hh-2"]
    assert asked.data["requests"][0] == {
        "customer_id": "hh-1", "channel": "web", "context": {"device": "mobile"},
        "placements": [{"id": "home_hero", "count": 1}, {"id": "home_strip", "count": 3}],
    }


@pytest.mark.parametrize(("fields", "said"), [
    ({"ids": " "}, "no customer is named"), ({"ids": "a", "channel": "fax"}, "no placement in channel 'fax'"),
    ({"ids": "a", "context": "{"}, "the context is no JSON"),
    ({"ids": "a", "context": "[]"}, "the context is an object"),
])
def test_who_cannot_be_asked_for_is_told_in_words(browser: Browser, fields: dict[str, str], said: str) -> None:
    page = words(post(browser, "effect", CHANGED, who="ids", **fields))
    assert said in page
    assert "Nobody to try it on" not in page
    assert browser.api.calls("POST", "/v1/whatif") == []


def test_too_many_customers_are_refused() -> None:
    with pytest.raises(BadInput, match="can be tried at once"):
        whatif.ids_of(" ".join(f"c{n}" for n in range(limits.WHAT_IF_REQUESTS_MAX + 1)))


def test_errors_of_a_trial_stand_at_their_lines_too(browser: Browser) -> None:
    page = post(browser, "effect", TEXT.replace("group: win_back", "group: win_bak"))
    assert f'data-line="{LINE}"' in page


def test_before_publishing_the_change_is_looked_over(browser: Browser) -> None:
    page = post(browser, "review", CHANGED)
    assert "Publish this catalog?" in page
    assert f'name="if_match" value="{VERSION}"' in page
    assert published(browser) == 0


def test_a_catalog_with_errors_cannot_be_looked_over(browser: Browser) -> None:
    assert "Publish this catalog?" not in post(browser, "review", TEXT.replace("limit: 3", "limit: 0"))


def test_what_is_the_same_cannot_be_published(browser: Browser) -> None:
    assert "The same as the live one" in post(browser, "review", TEXT)


def test_it_is_published_over_the_version_that_was_looked_at(browser: Browser) -> None:
    assert "It is live" in publish(browser, CHANGED, 200)
    (asked,) = browser.api.calls("PUT", "/v1/catalog")
    assert asked.headers["if-match"] == f'"{VERSION}"'
    assert asked.body.decode() == CHANGED


def test_when_somebody_published_meanwhile_the_difference_is_shown_anew(browser: Browser) -> None:
    other = {**console_people.CATALOG, "name": "another"}
    browser.api.answers["GET", "/v1/catalog"] = {"catalog_version": "sha256:" + "9" * 64, "catalog": other}
    browser.api.answers["PUT", "/v1/catalog"] = lambda asked: (
        {"catalog_version": "sha256:1"} if "dry_run" in asked.params else Refusal(409, "another catalog is live")
    )
    page = publish(browser, CHANGED, 409)
    assert "Somebody published meanwhile" in page
    assert "name: <mark>another</mark>" in page
    assert f'name="if_match" value="sha256:{"9" * 64}"' in page


def test_who_began_before_there_was_a_catalog_publishes_over_none(browser: Browser) -> None:
    answer = asyncio.run(browser.post("/console/whatif/publish", {"catalog": CHANGED, "if_match": ""}))
    assert answer.status_code == 409
    assert "Somebody published meanwhile" in answer.text
    assert published(browser) == 0


def test_publishing_needs_config_write() -> None:
    browser = Browser.with_scopes("config:read", "profiles:read")
    browser.api.answers |= console_people.answers()
    page = post(browser, "check", TEXT.replace("group: win_back", "group: win_bak"))
    assert "Publishing needs" in page
    assert f'data-line="{LINE}"' in page  # checked by a trial instead
    assert "config:write" in publish(browser, CHANGED, 403)
    assert browser.api.calls("PUT", "/v1/catalog") == []


def test_trying_needs_profiles_read() -> None:
    browser = Browser.with_scopes("config:read")
    browser.api.answers |= console_people.answers()
    assert "Trying it on customers needs profiles:read" in words(post(browser, "effect", CHANGED))
    assert browser.api.calls("POST", "/v1/whatif") == []


def test_a_catalog_above_the_bound_is_a_page_that_says_so(browser: Browser) -> None:
    page = post(browser, "check", "a" * (limits.CATALOG_BYTES_MAX + 1), 413)
    assert "1,048,577 bytes" in page
    assert browser.api.calls("PUT", "/v1/catalog") == []


def test_without_a_catalog_one_can_be_begun() -> None:
    browser = Browser()
    browser.api.refuse("GET", "/v1/catalog", 404, "no catalog was published")
    assert "catalog: 1" in field(asyncio.run(browser.get("/console/whatif")).text)
