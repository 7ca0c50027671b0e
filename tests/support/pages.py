"""What a page of the console shows, read as a person would: tables by their ids, numbers as they are written."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page

_READ_TABLE = """id => {
  const table = document.getElementById(id);
  if (!table) return null;
  const names = [...table.tHead.rows[0].cells].map(cell => cell.textContent.trim());
  return [...table.tBodies[0].rows].map(row => Object.fromEntries(
    [...row.cells].map((cell, place) => [names[place] || String(place), cell.textContent.trim().replace(/\\s+/g, " ")])
  ));
}"""
_NUMBER = re.compile(r"[-−]?[0-9][0-9,]*(?:\.[0-9]+)?")


def table(page: Page, id_: str) -> list[dict[str, str]]:
    """The rows of a table, by the names of its columns; it must be there."""
    rows: list[dict[str, str]] | None = page.evaluate(_READ_TABLE, id_)
    assert rows is not None, f"there is no table {id_!r} on {page.url}"
    return rows


def number(text: str) -> float:
    """The first number in a text, 0 for a dash."""
    found = _NUMBER.search(text)
    return float(found.group().replace(",", "").replace("−", "-")) if found else 0.0


def figure(page: Page, name: str) -> str:
    """The value of one of the figures at a page's top."""
    value: str = page.locator("dl.stats > div").filter(has=page.get_by_text(name, exact=True)).first.locator(
        ".stat-value").inner_text()
    return value.strip()


def says(page: Page) -> str:
    """Everything that can be read on the page."""
    text: str = page.locator("body").inner_text()
    return text


def go(page: Page, path: str, **query: Any) -> int:
    """Open a page of the console; returns its status."""
    from urllib.parse import urlencode, urlsplit

    root = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
    answer = page.goto(f"{root}/console{path}" + (f"?{urlencode(query)}" if query else ""))
    assert answer is not None
    return int(answer.status)
