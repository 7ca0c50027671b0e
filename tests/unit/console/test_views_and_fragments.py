"""What a page can answer: whole pages, parts that are sent when they changed, files, other pages."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from starlette.responses import Response
from support.console_api import FakeApi
from support.console_browser import Browser
from support.console_sessions import COOKIE, MemorySessions, signed_in

from cluster.console.app import ConsoleConfig, console_app
from cluster.console.problems import of_status
from cluster.console.routing import PageRoute
from cluster.console.view import View

ROWS: list[list[Any]] = [["=1+1", -5], ["+x", 1.5], ["-y", None], ["@z", "a,\"b\""], ["plain", "\tq"]]


async def _part(view: View) -> Response:
    answer = await view.api.get("/v1/live")
    shown = {"whole": False, "problem": of_status(404, "it")}
    return view.fragment("problem_part.html", etag=(answer.etag, "second"), age_ms=42, **shown)


async def _untagged(view: View) -> Response:
    return view.fragment("problem_part.html", etag=("first", None), whole=False, problem=of_status(404, "it"))


async def _csv(view: View) -> Response:
    return view.csv("a <name>", ["=name", "value"], ROWS)


async def _moved(view: View) -> Response:
    return view.moved("/why", "d/../<1>", candidate="a&b", page=None)


async def _named(view: View) -> Response:
    return Response(view.path["id"])


ROUTES = (
    PageRoute("GET", "/part", _part, "Part"), PageRoute("GET", "/untagged", _untagged, "Part"),
    PageRoute("GET", "/csv", _csv, "File"), PageRoute("GET", "/moved", _moved, "Moved"),
    PageRoute("GET", "/named/{id}", _named, "Named"), PageRoute("GET", "/named/literal", _csv, "File"),
)


def asked(path: str, headers: dict[str, str] | None = None, sessions: MemorySessions | None = None) -> httpx.Response:
    return _asked(FakeApi(), sessions or signed_in(), path, headers or {})


def _asked(api: FakeApi, sessions: MemorySessions, path: str, headers: dict[str, str]) -> httpx.Response:
    app = console_app(ConsoleConfig("http://api", transport=api.transport), sessions, routes=ROUTES)

    async def ask() -> httpx.Response:
        cookies = {"kairos_console": COOKIE}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://k", cookies=cookies) as http:
            return await http.get(path, headers=headers)

    return asyncio.run(ask())


def test_a_part_that_did_not_change_is_not_sent_again_but_says_how_old_it_is() -> None:
    first = asked("/console/part")
    again = asked("/console/part", {"if-none-match": first.headers["etag"]})
    assert (first.status_code, first.headers["x-data-age-ms"]) == (200, "42")
    assert (again.status_code, again.content, again.headers["x-data-age-ms"]) == (304, b"", "42")


def test_a_part_is_another_one_when_the_data_the_query_or_the_viewers_scopes_are_others() -> None:
    changed = FakeApi()
    changed.answers["GET", "/v1/live"]["version"] += 1
    tags = [
        asked("/console/part").headers["etag"],
        asked("/console/part?channel=web").headers["etag"],
        asked("/console/part", sessions=signed_in(frozenset({"config:read"}))).headers["etag"],
        _asked(changed, signed_in(), "/console/part", {}).headers["etag"],
    ]
    assert len(set(tags)) == len(tags)


def test_a_part_of_data_without_a_version_is_always_sent() -> None:
    assert "etag" not in asked("/console/untagged").headers


def test_a_file_holds_no_cell_that_a_spreadsheet_would_run() -> None:
    answer = asked("/console/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="a--name-.csv"'
    assert answer.text.split("\r\n") == [
        "'=name,value", "'=1+1,-5", "'+x,1.5", "'-y,", '\'@z,"a,""b"""', "plain,'\tq", "",
    ]


def test_leading_on_stays_below_the_console_whatever_the_id() -> None:
    answer = asked("/console/moved")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/console/why/d%2F..%2F%3C1%3E?candidate=a%26b"


@pytest.mark.parametrize("id_", ["a/b", "a b", "é", "%", "a?b#c", "{id}", "literal "])
def test_an_id_in_a_path_may_hold_any_character(id_: str) -> None:
    from cluster.console.address import page

    assert asked(page("/named", id_)).text == id_


def test_a_literal_segment_wins_over_a_named_one() -> None:
    assert asked("/console/named/literal").headers["content-type"].startswith("text/csv")


@pytest.mark.parametrize("scope", [
    {"path": "/console/named/x", "raw_path": b"/console/named/x", "root_path": ""},
    {"path": "/console/named/x", "raw_path": b"/console/named/x", "root_path": "/console"},
    {"path": "/named/x", "raw_path": b"/named/x", "root_path": "/console"},
    {"path": "/proxied/console/named/x", "raw_path": b"/proxied/console/named/x", "root_path": "/proxied/console"},
    {"path": "/named/x", "root_path": "/console"},
], ids=str)
def test_the_console_is_found_whoever_takes_its_root_off_the_path(scope: dict[str, Any]) -> None:
    from cluster.console.routing import path_below

    assert path_below(scope) == "/named/x"


def test_the_suites_browser_is_signed_in_with_the_key_of_its_viewer() -> None:
    browser = Browser()
    asyncio.run(browser.get("/console/session"))
    assert browser.api.asked[0].headers["authorization"] == "Bearer kairos_test_key"
