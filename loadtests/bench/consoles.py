"""``python -m loadtests.bench.consoles URL KEY CONSOLES``: what so many open consoles ask for, as their pages do.

Each signs in by a link of its own and sends one conditional GET a second for the moving part of its page, which is all
that a visible tab sends: of *Now*, the first one's of a *Customer*. That customer has an event every other second, and
how long it takes until the page shows it is noted. Ends when its standard input ends, and prints what it saw.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from loadtests.bench.ready import say_ready

_NOW: Final = "/console/now/live"
_CUSTOMER: Final = "/console/customer/live"
_TICK_S: Final = 1.0
_PROBE_TICKS: Final = 2


@dataclass
class Seen:
    """``fresh_s``: from the moment at which an event is sent to the page that shows it; ``unseen``: events of which
    that never came."""

    statuses: Counter[int] = field(default_factory=Counter)
    bytes: int = 0
    fresh_s: list[float] = field(default_factory=list)
    unseen: int = 0

    def to_plain(self) -> dict[str, Any]:
        ordered = sorted(self.fresh_s)
        return {
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())}, "bytes": self.bytes,
            "probes": len(ordered) + self.unseen, "unseen": self.unseen,
            "fresh_s": [round(one, 3) for one in ordered],
            "fresh_p50_s": round(statistics.median(ordered), 3) if ordered else None,
        }


async def watch(url: str, key: str, consoles: int, ending: asyncio.Event, said: asyncio.Event) -> Seen:
    """All consoles until ``ending``; ``said`` is set once every one of them is signed in."""
    seen, authorization = Seen(), {"authorization": f"Bearer {key}"}
    clients = [httpx.AsyncClient(base_url=url, timeout=10.0, follow_redirects=True) for _ in range(consoles)]
    for client in clients:
        answer = await client.post("/console/links", headers=authorization)
        answer.raise_for_status()
        (await client.get(answer.json()["link"].removeprefix(url))).raise_for_status()
    said.set()
    pages = [_Page(client, seen, authorization if place == 0 else None) for place, client in enumerate(clients)]
    await pages[0].begin()
    await asyncio.gather(*(page.stay(place * _TICK_S / consoles, ending) for place, page in enumerate(pages)))
    for client in clients:
        await client.aclose()
    return seen


class _Page:
    """One visible tab. ``authorization``: of the one that looks at a customer, and sends that customer's events."""

    def __init__(self, client: httpx.AsyncClient, seen: Seen, authorization: dict[str, str] | None) -> None:
        self._client, self._seen, self._authorization = client, seen, authorization
        self._etag = ""
        self._customer = f"watched-{uuid.uuid4().hex[:12]}"
        self._path = _NOW if authorization is None else f"{_CUSTOMER}?id={self._customer}"
        #: Events that the page has not shown yet -> when they were sent.
        self._waiting: dict[str, float] = {}

    async def begin(self) -> None:
        """The customer is known before anybody looks."""
        await self._probe()

    async def stay(self, begins_s: float, ending: asyncio.Event) -> None:
        due_s, ticks = time.monotonic() + begins_s, 0
        while not await _ended(ending, due_s):
            if self._authorization is not None and ticks % _PROBE_TICKS == 0:
                await self._probe()
            await self._look()
            ticks, due_s = ticks + 1, max(due_s + _TICK_S, time.monotonic())
        if self._waiting:
            await self._look()
        self._seen.unseen += len(self._waiting)

    async def _probe(self) -> None:
        event_id = uuid.uuid4().hex
        self._waiting[event_id] = time.monotonic()
        now = datetime.now(UTC).isoformat()
        event = {"event_id": event_id, "customer_id": self._customer, "type": "page_view", "time": now}
        answer = await self._client.post("/v1/events", json={"events": [event]}, headers=self._authorization)
        answer.raise_for_status()

    async def _look(self) -> None:
        headers = {"x-kairos-live": "1", **({"if-none-match": self._etag} if self._etag else {})}
        answer = await self._client.get(self._path, headers=headers)
        self._seen.statuses[answer.status_code] += 1
        self._seen.bytes += len(answer.content)
        if answer.status_code == httpx.codes.OK:
            self._etag = answer.headers.get("etag", "")
            for event_id in [event_id for event_id in self._waiting if event_id in answer.text]:
                self._seen.fresh_s.append(time.monotonic() - self._waiting.pop(event_id))


async def _ended(ending: asyncio.Event, until_s: float) -> bool:
    try:
        async with asyncio.timeout(max(0.0, until_s - time.monotonic())):
            return await ending.wait()
    except TimeoutError:
        return False


async def _main(url: str, key: str, consoles: int) -> Seen:
    ending, signed_in = asyncio.Event(), asyncio.Event()
    watching = asyncio.create_task(watch(url, key, consoles, ending, signed_in))
    ready = asyncio.create_task(signed_in.wait())
    await asyncio.wait([watching, ready], return_when=asyncio.FIRST_COMPLETED)
    if watching.done():
        return await watching
    say_ready(consoles=consoles)
    await asyncio.to_thread(sys.stdin.read)
    ending.set()
    return await watching


def main() -> None:
    url, key, consoles = sys.argv[1], sys.argv[2], int(sys.argv[3])
    print(json.dumps(asyncio.run(_main(url, key, consoles)).to_plain()), flush=True)


if __name__ == "__main__":
    main()
