"""Addresses of pages and of calls, whatever characters the ids in them hold."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

#: Where the console lives on its host.
ROOT: Final = "/console"


def page(path: str, *segments: str, **query: object) -> str:
    """The address of a page: ``page("/why", decision_id, candidate="x")``. What is None in the query is left out."""
    return ROOT + call(path, *segments) + _query(query)


def call(path: str, *segments: str) -> str:
    """A path of the API: ``call("/v1/customers", customer_id, "timeline")``; every segment is quoted whole."""
    return "/".join([path.rstrip("/"), *map(_segment, segments)])


def _segment(text: str) -> str:
    quoted = quote(str(text), safe="")
    # A segment of dots alone would be taken for a step up the path.
    return quoted.replace(".", "%2E") if quoted in (".", "..") else quoted


def _query(query: dict[str, object]) -> str:
    given = [(name, str(value)) for name, value in query.items() if value is not None]
    return f"?{urlencode(given)}" if given else ""
