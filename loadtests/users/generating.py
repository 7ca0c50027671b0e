"""What a generating process does: users call until the end, then their customers' timelines are counted again."""

from __future__ import annotations

import time
from typing import Any, Final

import gevent
from gevent.pool import Pool

from cluster.client import ClientError, Kairos
from loadtests.users.caller import Caller
from loadtests.users.desk import Desk
from loadtests.verdict.exact import Exactness, check_customer
from loadtests.verdict.generator import GeneratorMeter

#: How long calls that are under way may take to end.
_FINISH_S: Final = 60.0
_READ_AT_ONCE: Final = 8
_CONNECTIONS: Final = 1_000


class Generating:
    def __init__(self, brief: dict[str, Any], key: str, environment: Any) -> None:
        url = brief["url"]
        self._client = Kairos(
            url, key, transport=brief["transport"], connections=_CONNECTIONS, in_flight=_CONNECTIONS,
        )
        self._reader = Kairos(url, key, timeout_s=_FINISH_S, connections=_READ_AT_ONCE)
        self._environment = environment
        self._transport = brief["transport"]
        self.desk: Final = Desk(brief)
        self._meter = GeneratorMeter(gevent.sleep)
        gevent.spawn(self._meter.run)

    def caller(self) -> Caller:
        return Caller(self._client, self.desk, self._tell)

    def finish(self) -> dict[str, Any]:
        """Let nobody begin anything, wait for what is under way, then check. The part of this process."""
        desk, record = self.desk, self.desk.record
        ended_s = desk.end()
        used = self._meter.stop()
        while desk.active and time.perf_counter() < ended_s + _FINISH_S:
            gevent.sleep(0.01)
        if desk.arrivals is not None:
            for due_s in desk.arrivals.left_before(min(ended_s, desk.until_s)):
                desk.miss(due_s)
        record.repeats = self._client.counts.repeats
        exactness = self._check()
        self._client.close()
        self._reader.close()
        return {
            "record": record.to_wire(), "exactness": exactness.to_wire(), "generator": used, "bugs": desk.bugs,
            "seconds": ended_s - desk.begun_s,
        }

    def _check(self) -> Exactness:
        """Read and recount the timelines of the checked customers."""
        found, desk = Exactness(), self.desk

        def check(customer: str) -> None:
            ids = desk.acknowledged.ids[customer]
            try:
                timeline = [item.data for item in self._reader.timeline(customer)]
            except ClientError as error:
                found.unread += 1
                found.broken(f"the timeline of {customer} could not be read: {error}")
                return
            check_customer(found, desk.catalog, customer, ids, timeline)

        touched = [one for one, ids in desk.acknowledged.ids.items() if any(ids.values())]
        for _ in Pool(_READ_AT_ONCE).imap_unordered(check, touched):
            gevent.sleep(0)
        return found

    def _tell(self, call: str, milliseconds: float, failure: Exception | None) -> None:
        self._environment.events.request.fire(
            request_type=self._transport, name=call, response_time=milliseconds, response_length=0,
            exception=failure, context={},
        )
