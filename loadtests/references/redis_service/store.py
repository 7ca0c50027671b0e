"""Everything that touches Redis: one read for many requests, one script per decision, all scripts in one pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from loadtests.references.redis_service.catalog import Action, Catalog

_HERE = Path(__file__).parent
#: How long answers and event ids are remembered.
REMEMBERED_S = 7 * 86_400
#: A hold counts this much longer than the channel may show it.
_GRACE_MS = 5 * 60_000
_DAY_MS = 86_400_000


@dataclass(slots=True)
class Write:
    """One customer's new state, and what the script must check before it is written."""

    customer: str
    begins: str
    profile: bytes
    now_ms: int
    request_id: str = ""
    answer: bytes = b""
    event_id: str = ""
    decision_id: str = ""
    hold_ends_ms: int = 0
    actions: Sequence[Action] = field(default_factory=tuple)


class Store:
    def __init__(self, socket: str, catalog: Catalog) -> None:
        self._redis: Redis = Redis(unix_socket_path=socket)
        self._catalog = catalog
        self._budget = (f"budget:{catalog.budget}", f"budget:{catalog.budget}:holds")
        self._decide = self._settle = ""

    async def open(self) -> None:
        self._decide = await self._redis.script_load((_HERE / "decide.lua").read_text())
        self._settle = await self._redis.script_load((_HERE / "settle.lua").read_text())

    async def close(self) -> None:
        await self._redis.aclose()

    async def read(self, asked: Sequence[tuple[str, str, str]]) -> list[list[bytes | None]]:
        """(customer, request id, event id) each -> [profile, answer, event], all by one command."""
        keys = [key for customer, request, event in asked for key in _keys(customer, request, event)]
        found: list[bytes | None] = await self._redis.mget(keys)
        return [found[at : at + 3] for at in range(0, len(found), 3)]

    async def write(self, writes: Sequence[Write]) -> list[list[Any]]:
        """What the script said of each: done, moved (read again), dry, or capped and which item."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for write in writes:
                keys, arguments = self._arguments(write)
                pipeline.evalsha(self._decide, len(keys), *keys, *arguments)
            found: list[list[Any]] = await pipeline.execute()
        return found

    def _arguments(self, write: Write) -> tuple[list[str], list[Any]]:
        keys = [*_keys(write.customer, write.request_id, write.event_id), *self._budget]
        arguments: list[Any] = [
            write.begins, write.profile, write.now_ms, write.hold_ends_ms + _GRACE_MS, write.answer, REMEMBERED_S,
            1 if write.event_id else 0, self._catalog.cap, len(write.actions),
        ]
        for action in write.actions:
            arguments += [f"{write.decision_id}:{action.id}", action.units, len(self._catalog.policies)]
            for policy in self._catalog.policies:
                keys.append(_ledger(write.customer, policy.id, action.id if policy.per_action else ""))
                arguments.append(policy.limit)
        return keys, arguments

    async def settle(self, customer: str, decision_id: str, action: Action, how: str, now_ms: int) -> None:
        """``how``: confirm, accept or release."""
        ledgers = [_ledger(customer, p.id, action.id if p.per_action else "") for p in self._catalog.policies]
        keys = [*self._budget, *ledgers]
        leaves = [now_ms + policy.window_ms for policy in self._catalog.policies]
        name = f"{decision_id}:{action.id}"
        await self._redis.evalsha(
            self._settle, len(keys), *keys, name, action.units, how, now_ms + 7 * _DAY_MS, *leaves,
        )


def _keys(customer: str, request: str, event: str) -> tuple[str, str, str]:
    return f"p:{customer}", f"r:{customer}:{request}", f"e:{customer}:{event}"


def _ledger(customer: str, policy: str, action: str) -> str:
    return f"c:{customer}:{policy}:{action}"
