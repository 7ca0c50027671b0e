"""The one schema of the logs: every field that a line may have, and what it is. A test holds the source to it."""

from __future__ import annotations

from typing import Final

#: On every line; ``shard``, ``incarnation`` and ``epoch`` where the process has them.
ALWAYS: Final = {
    "timestamp": "UTC, RFC 3339",
    "level": "debug, info, warning, error or critical",
    "event": "what happened, in words that are the same on every line about it",
    "process": "gateway, shard, coordinator, scorer, insight, console or supervisor",
    "node": "the host's name",
    "pid": "of the process",
    "shard": "whose number; of the process, or the one that the line is about",
    "incarnation": "of a shard: which one serves, larger after each move",
    "epoch": "by which the process owns its journal",
}

#: On lines about requests and decisions.
REQUESTS: Final = {
    "request_id": "the caller's, or made by the gateway; as in the answer",
    "request_ids": "of many: the first few",
    "decision_id": "of a decision that was made",
    "call": "the route's name, as in the metrics",
    "status": "of the answer",
    "took_ms": "how long",
    "kind": "of a command",
}

#: The particulars of single events.
PARTICULARS: Final = {
    "error": "the error's type, or its own words where these hold no data of anybody",
    "exc_info": "asks for ``exception``",
    "exception": "a traceback without values of variables",
    "detail": "more of the error, without data of anybody",
    "reason": "why, in fixed words",
    "where": "file and line",
    "trace": "a traceback without values of variables",
    "method": "of an actor",
    "target": "of the catalog: what a scorer predicts",
    "version": "of a scorer",
    "versions": "of scorers",
    "purpose": "of a link: which shard, or the scorer",
    "lane": "of a gateway: which shard's queue",
    "proven": "whether the other end of a link had proved that it holds the secret",
    "misfit": "what does not fit its caller, in fixed words",
    "seq": "a row's number in its journal",
    "code": "with which a stream was closed",
    "count": "how many",
    "groups": "callers whose commands travelled together",
    "requests": "how many",
    "frames": "of a stream, in flight",
    "streams": "how many",
    "shards": "how many, or which",
    "failures": "in a row",
    "missing": "how many, or which",
    "after_ms": "since the first attempt",
    "took_s": "how long, of what takes long",
    "pause_ms": "how long nobody served a shard that moved",
    "tail_rows": "since the last checkpoint: what a restart replays",
    "rows_in_between": "written between a standby's last look and its take-over",
    "rows_replayed": "since the checkpoint",
    "customers_in_memory": "how many",
    "store": "which kind, and where, without a password",
    "to": "a node: where a shard moves",
    "standby": "an incarnation that follows the log",
    "older": "an incarnation that was there before",
}

FIELDS: Final = {**ALWAYS, **REQUESTS, **PARTICULARS}

#: What no line ever has, whatever somebody would call it.
FORBIDDEN: Final = frozenset({
    "authorization", "body", "customer", "customers", "customer_id", "headers", "key", "password", "payload", "secret",
    "token",
})
