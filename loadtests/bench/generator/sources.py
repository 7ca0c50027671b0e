"""The bytes to send, made before the clock starts. One maker per name; ``tag`` makes the ids new."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgpack

from loadtests import scenario
from loadtests.bench.generator.frames import frame
from loadtests.bench.generator.plan import Plan

#: Decisions per ``decisions:batch``.
BATCH = 50
CUSTOMERS = 4_000


def body(number: int, tag: str, customers: int = CUSTOMERS) -> dict[str, Any]:
    """The ``number``-th decision of a run: ids that no other run uses."""
    found = scenario.decision(number, customers)
    found["request_id"], found["event"]["event_id"] = f"{tag}-{number}", f"{tag}-e-{number}"
    return found


def _decisions(plan: Plan) -> list[bytes]:
    return [_http(plan, body(number, plan.tag)) for number in range(plan.count)]


def _hot(plan: Plan) -> list[bytes]:
    """All for one customer, whom no other run knows."""
    return [_http(plan, {**body(n, plan.tag), "customer_id": f"hot-{plan.tag}"}) for n in range(plan.count)]


def _batches(plan: Plan) -> list[bytes]:
    return [
        _http(plan, {"requests": [body(start * BATCH + n, plan.tag) for n in range(BATCH)]})
        for start in range(plan.count)
    ]


def _same(plan: Plan) -> list[bytes]:
    """What an echo is sent: the bytes of one decision, again and again."""
    return [_http(plan, body(1, plan.tag))] * plan.count


def _frames(plan: Plan) -> list[bytes]:
    return [
        frame(msgpack.packb({"id": number, "call": "decisions", "body": body(number, plan.tag)}))
        for number in range(plan.count)
    ]


SOURCES: dict[str, Callable[[Plan], list[bytes]]] = {
    "decisions": _decisions, "hot": _hot, "batches": _batches, "same": _same, "frames": _frames,
}


def prepare(plan: Plan) -> list[bytes]:
    """Everything that the plan will send."""
    return SOURCES[plan.source](plan)


def _http(plan: Plan, content: dict[str, Any]) -> bytes:
    raw = json.dumps(content, separators=(",", ":")).encode()
    head = (
        f"POST {plan.path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {plan.key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(raw)}\r\n\r\n"
    )
    return head.encode() + raw
