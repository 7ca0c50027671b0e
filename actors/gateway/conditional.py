"""Answers to those who have seen one before: 304 without a body while nothing is new (RFC 9110, 13.1.2)."""

from __future__ import annotations

from typing import Any

from actors.gateway.exchange import Answer, Exchange

Headers = tuple[tuple[bytes, bytes], ...]


def conditional(exchange: Exchange, tag: str, value: Any, headers: Headers = ()) -> Answer:
    """``value`` with ``tag`` as its weak ETag, or 304 when the caller has named it.

    ``tag``: printable ASCII without quotes and commas, another one for every other content. ``headers`` go with both.
    """
    told = ((b"etag", b'W/"%b"' % tag.encode()), (b"cache-control", b"private, no-cache"), *headers)
    if is_named(exchange, tag):
        return Answer(304, raw=b"", headers=told)
    return Answer(200, value, headers=told)


def is_named(exchange: Exchange, tag: str) -> bool:
    """Whether the caller has an answer with this tag, or says that it has any."""
    return tag in named_tags(exchange) or exchange.if_none_match.strip() == b"*"


def named_tags(exchange: Exchange) -> list[str]:
    """The tags of ``if-none-match``, weak and strong ones alike."""
    given = exchange.if_none_match.decode("latin-1").split(",")
    return [one.strip().removeprefix("W/").strip('"') for one in given]
