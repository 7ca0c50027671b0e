"""Scripts and style sheets: under addresses that change with them, kept for ever, from nowhere else."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import re
from pathlib import Path

import httpx
import pytest
from support.console_browser import Browser

from cluster.console.static_files import FOLDER, StaticFiles

VENDORED = json.loads((FOLDER / "vendor/vendor.json").read_text())
OWN = sorted(path for kind in ("css", "js") for path in (FOLDER / kind).iterdir())


def asked(path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return asyncio.run(Browser().get(path, headers))


def test_a_file_is_kept_for_ever_under_the_digest_of_its_content() -> None:
    address = StaticFiles().address("js/live.js")
    answer = asked(address, {"accept-encoding": "identity"})
    assert answer.content == (FOLDER / "js/live.js").read_bytes()
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert hashlib.sha256(answer.content).hexdigest().startswith(address.split("/")[3])
    assert asked(address, {"if-none-match": answer.headers["etag"]}).status_code == 304


def test_a_file_is_packed_for_who_can_unpack_it() -> None:
    async def raw() -> tuple[bytes, str]:
        browser = Browser()
        address = browser.app.frame.static.address("vendor/htmx.min.js")
        async with browser.http.stream("GET", address, headers={"accept-encoding": "gzip"}) as answer:
            return b"".join([part async for part in answer.aiter_raw()]), answer.headers["content-encoding"]

    body, encoding = asyncio.run(raw())
    assert encoding == "gzip"
    assert gzip.decompress(body) == (FOLDER / "vendor/htmx.min.js").read_bytes()


@pytest.mark.parametrize("below", [
    "0000000000000000/js/live.js", "js/live.js", "x/../../app.py", "..%2f..%2fapp.py", "", "x/vendor/vendor.json",
])
def test_nothing_else_is_served(below: str) -> None:
    answer = asked(f"/console/static/{below}")
    assert answer.status_code == 404
    assert "max-age" not in answer.headers["cache-control"]


def test_who_is_not_signed_in_gets_the_styles_of_the_page_that_says_so() -> None:
    browser = Browser()
    browser.sessions.live.clear()
    assert asyncio.run(browser.get(StaticFiles().address("css/2-base.css"))).status_code == 200


@pytest.mark.parametrize("entry", VENDORED, ids=lambda entry: str(entry["name"]))
def test_what_others_wrote_is_what_was_taken_in_and_its_licence_lies_beside_it(entry: dict[str, str]) -> None:
    body = (FOLDER / "vendor" / entry["file"]).read_bytes()
    assert hashlib.sha256(body).hexdigest() == entry["sha256"]
    for licence in entry["licences"]:
        assert (FOLDER / "vendor" / licence).stat().st_size > 100


def test_every_script_of_others_is_listed() -> None:
    assert {path.name for path in (FOLDER / "vendor").glob("*.js")} == {entry["file"] for entry in VENDORED}


@pytest.mark.parametrize("path", OWN, ids=lambda path: str(path.name))
def test_a_file_of_ours_is_short_and_fetches_nothing_from_elsewhere(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 400
    assert re.findall(r"https?://|//cdn|@import|\beval\b|new Function|innerHTML\s*=|document\.write", text) == []
