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
    return "/".join([path.rstrip("/"), *(quote(str(segment), safe="") for segment in segments)])


def _query(query: dict[str, object]) -> str:
    given = [(name, str(value)) for name, value in query.items() if value is not None]
    return f"?{urlencode(given)}" if given else ""
