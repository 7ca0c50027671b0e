"""The page Customer: now and at any moment, contacts on a line of time, and erasing."""

from __future__ import annotations

import asyncio
from zoneinfo import ZoneInfo

import pytest
from support import console_people
from support.console_browser import Browser, shown, words
from support.console_people import CUSTOMER, DECISION

from cluster.console.views import customer as views
from cluster.console.views import moments
from cluster.console.views.contact_line import contact_line
from models.times import parse_time_ms

PAGE = f"/console/customer?id={CUSTOMER}"
NOW_MS = parse_time_ms("2026-11-22T18:19:41Z")


def test_everything_that_is_known_now_is_on_the_page(browser: Browser) -> None:
    told = words(shown(browser, PAGE))
    for expected in (
        "age_band 35-44", "spend_28d 211.4", "loyal in it", "marketing given", "research withdrawn", "churn_risk 0.182",
        "hero_copy short, until 2026-12-06", "hold bakery_morning",
        "coupon_rest at most 2 in 7d per action; group coupons dairy_coupon 2 of 2 refuses",
        "of cart_reminder · worth 54.2",
    ):
        assert expected in told


def test_what_an_event_holds_stays_text(browser: Browser) -> None:
    page = shown(browser, PAGE)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


def test_an_id_of_any_characters_is_asked_for_whole() -> None:
    browser = Browser()
    page = shown(browser, "/console/customer?id=a%2F%3Cscript%3E%3F", 404)
    assert browser.api.calls("GET", "/v1/customers/a/<script>?")
    assert "Nobody is known by this id" in page
    assert "a/<script>" not in page


def test_a_moment_of_the_past_shows_what_differs_from_now(browser: Browser) -> None:
    told = words(shown(browser, f"{PAGE}&as_of=36"))
    assert "As it was at version 36 , 20 Nov 2026" in told
    assert "Features baskets_28d 5 6" in told
    assert "Consents marketing – given" in told
    assert "Contacts dairy_coupon – web, 2026-11-22 18:03 UTC" in told


def test_one_steps_from_moment_to_moment_and_back_to_now(browser: Browser) -> None:
    page = shown(browser, f"{PAGE}&as_of=37")
    assert 'rel="prev"' in page
    assert "as_of=36" in page.split('rel="prev"')[1].split(">")[0]
    assert "as_of=38" in page.split('rel="next"')[1].split(">")[0]
    newest = shown(browser, PAGE)
    assert "as_of=38" in newest.split('rel="prev"')[1].split(">")[0]
    assert 'rel="next"' not in newest


@pytest.mark.parametrize(("at", "previous", "following"), [(5, 3, 8), (3, 2, 5), (1, None, 3), (9, 8, None), (4, 3, 5)])
def test_a_step_goes_to_the_next_entry_or_else_to_the_next_number(
    at: int, previous: int | None, following: int | None
) -> None:
    items = moments.moments([
        {"kind": "event", "time": "2026-01-01T00:00:00Z", "id": "e", "state_version": version,
         "body": {"type": "x", "channel": None, "properties": {}}}
        for version in (8, 5, 3)
    ])
    assert moments.step(items, at, 9) == moments.Step(previous, following)


def test_a_refusal_of_one_thing_is_said_once(browser: Browser) -> None:
    said = "give 1 to 200 characters"
    loc = {"loc": ["path", "customer_id"], "msg": said}
    browser.api.refuse("GET", f"/v1/customers/{CUSTOMER}", 422, f"path.customer_id: {said}", loc)
    assert words(shown(browser, f"/console/customer/live?id={CUSTOMER}", 422)).count(said) == 1


def test_a_decision_of_the_timeline_says_what_each_place_got() -> None:
    def told(*items: str) -> moments.Moment:
        strip = [{"action": one} for one in items]
        filled = [{"placement": "hero", "items": []}, {"placement": "strip", "items": strip}]
        body = {"decision_id": "d", "placements": filled}
        (found,) = moments.moments([{"kind": "decision", "time": "2026-01-01T00:00:00Z", "id": "d", "body": body}])
        return found

    assert (told("a", "b").title, told("a", "b").summary) == ("2 to show", "a in strip, b in strip, nothing in hero")
    assert (told().title, told().summary) == ("nothing to show", "nothing in hero, nothing in strip")


def test_a_local_time_is_one_of_the_catalogs_zone(browser: Browser) -> None:
    shown(browser, f"{PAGE}&as_of=2026-11-20+10%3A00")
    assert browser.api.calls("GET", f"/v1/customers/{CUSTOMER}")[-1].params["as_of"] == "2026-11-20T15:00:00Z"


def test_a_version_that_was_not_reached_is_told_with_the_way_to_now(browser: Browser) -> None:
    page = shown(browser, f"{PAGE}&as_of=77", 422)
    assert "version 77 was not reached yet" in page
    assert f'href="/console/customer?id={CUSTOMER}"' in page


def test_the_state_now_is_live_and_unchanged_it_is_not_sent_again(browser: Browser) -> None:
    assert f'data-live="/console/customer/live?id={CUSTOMER}"' in shown(browser, PAGE)
    assert "data-live" not in shown(browser, f"{PAGE}&as_of=36")

    async def asked() -> tuple[int, int, int]:
        path = f"/console/customer/live?id={CUSTOMER}"
        first = await browser.live(path)
        again = await browser.live(path, first.headers["etag"])
        changed = console_people.customer()
        changed["state_version"] = 40
        browser.api.answers["GET", f"/v1/customers/{CUSTOMER}"] = changed
        return first.status_code, again.status_code, (await browser.live(path, first.headers["etag"])).status_code

    assert asyncio.run(asked()) == (200, 304, 200)
    assert len(browser.api.calls("GET", f"/v1/customers/{CUSTOMER}/timeline")) == 4  # the 304 needed none


def test_the_timeline_is_paged(browser: Browser) -> None:
    assert "before=4711.0" in shown(browser, PAGE)
    shown(browser, f"{PAGE}&before=4711.0")
    assert browser.api.calls("GET", f"/v1/customers/{CUSTOMER}/timeline")[-1].params["before"] == "4711.0"


def test_a_decision_of_the_timeline_leads_to_its_reasons(browser: Browser) -> None:
    assert f'href="/console/why/{DECISION}"' in shown(browser, PAGE)


def test_without_profiles_read_nothing_of_anybody_is_asked_for() -> None:
    browser = Browser.with_scopes("config:read")
    assert "profiles:read" in shown(browser, PAGE, 403)
    assert browser.api.calls("GET", f"/v1/customers/{CUSTOMER}") == []


def test_contacts_lie_where_their_times_are() -> None:
    line = contact_line(console_people.customer(), NOW_MS, ZoneInfo("America/New_York"))
    assert line is not None
    assert [lane.channel for lane in line.lanes] == ["web", "email", "push"]
    web = [mark.at for mark in line.lanes[0].marks]
    assert web == sorted(web)
    (hold,) = [mark for mark in line.lanes[1].marks if mark.to is not None]
    assert hold.at == line.moment
    assert hold.to is not None
    assert hold.at < hold.to <= 100
    assert [tick.label for tick in line.ticks] == ["4 Nov", "11 Nov", "18 Nov", "25 Nov"]


def test_a_customer_who_was_never_contacted_has_no_line() -> None:
    assert contact_line({"contacts": [], "holds": []}, NOW_MS, ZoneInfo("UTC")) is None


def test_equal_states_do_not_differ() -> None:
    assert views.differences(console_people.customer(), console_people.customer()) == []


def test_before_erasing_the_page_counts_what_goes(browser: Browser) -> None:
    browser.api.answers["GET", f"/v1/customers/{CUSTOMER}/timeline"] = lambda asked: {
        "items": console_people.timeline(), "next_before": None if "before" in asked.params else "9.0",
    }
    told = words(shown(browser, f"/console/customer/erase?id={CUSTOMER}"))
    assert "Events 4 Decisions 2 Outcomes 4 Contacts 6 Holds 1" in told
    assert browser.api.calls("DELETE", f"/v1/customers/{CUSTOMER}") == []


@pytest.mark.parametrize("typed", ["", "hh-122", "HH-1229"])
def test_nothing_is_erased_unless_the_id_is_typed(browser: Browser, typed: str) -> None:
    browser.api.answers["GET", f"/v1/customers/{CUSTOMER}/timeline"] = {"items": [], "next_before": None}
    answer = asyncio.run(browser.post("/console/customer/erase", {"id": CUSTOMER, "typed": typed}))
    assert answer.status_code == 422
    assert "Nothing was erased" in answer.text
    assert browser.api.calls("DELETE", f"/v1/customers/{CUSTOMER}") == []


def test_who_has_an_id_with_blanks_around_it_can_be_erased_too(browser: Browser) -> None:
    asyncio.run(browser.post("/console/customer/erase", {"id": " ann ", "typed": " ann "}))
    assert [call.method for call in browser.api.asked if call.method == "DELETE"] == ["DELETE"]


def test_the_receipt_is_shown(browser: Browser) -> None:
    answer = asyncio.run(browser.post("/console/customer/erase", {"id": CUSTOMER, "typed": CUSTOMER}))
    assert answer.status_code == 200
    assert "er-7f31" in answer.text
    assert len(browser.api.calls("DELETE", f"/v1/customers/{CUSTOMER}")) == 1


def test_erasing_needs_its_own_scope() -> None:
    browser = Browser.with_scopes("config:read", "profiles:read")
    browser.api.answers |= console_people.answers()
    assert "Erase…" not in shown(browser, PAGE)
    answer = asyncio.run(browser.post("/console/customer/erase", {"id": CUSTOMER, "typed": CUSTOMER}))
    assert answer.status_code == 403
    assert "profiles:erase" in answer.text
    assert browser.api.calls("DELETE", f"/v1/customers/{CUSTOMER}") == []
