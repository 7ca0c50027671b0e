"""What if another catalog were live: asked of Insight, which costs neither a shard's turn nor a gateway anything.

Shards tell customers as they are; everything else is worked out here, in a thread of its own, one at a time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from actors.insight.snapshot_call import CallShard, Snapshot, ask_shard
from actors.insight.what_if_scorers import OpenScorers, WhatIfScorers
from models import ids, limits
from models.canonical import pack, unpack
from models.catalog.check import compile_catalog
from models.catalog.plan import Plan
from models.turn.commands import Command, problem
from models.whatif import asking
from models.whatif.comparing import Comparison
from models.whatif.side import Asked
from models.whatif.units import Account

#: (tag of a tenant, channel or None for all, how many): (customer key, request as logged), newest first.
Requests = Callable[[bytes, str | None, int], Sequence[tuple[bytes, dict[str, Any]]]]
Answer = tuple[int, dict[str, Any]]
_Placed = list[tuple[int, Command]]


class WhatIf:
    def __init__(self, call: CallShard, shards: int, open_scorers: OpenScorers, requests: Requests) -> None:
        """``open_scorers`` is called in the thread, when a scorer is first needed."""
        self._call = call
        self._shards = shards
        self._scorers = WhatIfScorers(open_scorers)
        self._requests = requests
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="what-if")
        #: By version, the newest used last; the thread alone replaces it, and nobody changes it.
        self._plans: Mapping[str, Plan] = {}
        #: What-ifs that are being worked on; those that were, and that were refused, since it began.
        self.under_way, self.begun, self.refused = 0, 0, 0

    async def what_if(self, body: bytes) -> bytes:
        """``{"version", "catalog": checked plain data, "tenant", "tag", "commands": [wires] or None, "sample": {"size",
        "channel"} or None, "budgets": as GET /v1/budgets lists them}`` -> ``[status, body]``: the contract's answer, or
        a problem (429 when too many are under way, 503 when no shard answers)."""
        if self.under_way >= limits.WHAT_IFS_AT_ONCE_MAX:
            self.refused += 1
            said = f"{limits.WHAT_IFS_AT_ONCE_MAX} what-ifs are under way; ask again when one is done"
            return pack([429, problem(429, "Too many requests", said)])
        self.under_way += 1
        self.begun += 1
        try:
            return pack(await self._answered(unpack(body)))
        finally:
            self.under_way -= 1

    async def _answered(self, told: Mapping[str, Any]) -> Answer:
        until_s = time.monotonic() + limits.WHAT_IF_MS_MAX / limits.SECOND_MS
        groups = self._by_shard(self._commands(told))
        known = self._plans
        asks = [ask_shard(self._call, shard, [one for _, one in placed], known) for shard, placed in groups.items()]
        answered = list(zip(groups.values(), await asyncio.gather(*asks), strict=True))
        if not any(snapshot is not None and snapshot.version for _, snapshot in answered):
            said = "no shard that was asked answers with a catalog; it may be restarting"
            return 503, problem(503, "Unavailable", said)
        loop = asyncio.get_running_loop()
        return 200, await loop.run_in_executor(self._thread, self._compared, told, answered, known, until_s)

    def _commands(self, told: Mapping[str, Any]) -> list[Command]:
        if told["commands"] is not None:
            return [asking.dry(Command.from_wire(wire)) for wire in told["commands"]]
        size, channel, tenant = told["sample"]["size"], told["sample"]["channel"], told["tenant"]
        newest: dict[tuple[bytes, str], dict[str, Any]] = {}
        for customer, request in self._requests(told["tag"], channel, limits.WHAT_IF_SAMPLED_MAX):
            newest.setdefault((customer, request["channel"]), request)
        sampled = list(newest.items())[:size]
        return [asking.of_logged(customer, tenant, request) for (customer, _), request in sampled]

    def _by_shard(self, commands: Sequence[Command]) -> dict[int, _Placed]:
        """With the place of each among all. One shard at least: it tells which catalog is live."""
        groups: dict[int, _Placed] = {}
        for place, command in enumerate(commands):
            groups.setdefault(ids.shard_of(command.customer, self._shards), []).append((place, command))
        return groups or {0: []}

    # From here on in the thread.

    def _compared(
        self, told: Mapping[str, Any], answered: Sequence[tuple[_Placed, Snapshot | None]], known: Mapping[str, Plan],
        until_s: float,
    ) -> dict[str, Any]:
        candidate = self._plan(told["version"], told["catalog"], known)
        accounts = {one["id"]: Account(one["cap"], one["spent"] + one["held"]) for one in told["budgets"]}
        scorers = self._scorers
        scorers.begin()
        comparison = Comparison(candidate, accounts, scorers.score, scorers.manifest)
        versions: dict[str, None] = {}
        for placed, snapshot in answered:
            if snapshot is None or snapshot.version is None:
                _skip_all(comparison, placed, "the shard of this customer does not answer; ask again in a moment")
                continue
            versions[snapshot.version] = None
            plan = self._plan(snapshot.version, snapshot.catalog, known)
            asked = _asked(comparison, placed, snapshot)
            comparison.add(snapshot.stand(plan), asked, lambda: time.monotonic() < until_s)
        if len(versions) > 1:
            comparison.note(["The shards are between two catalogs; ask again in a moment to compare with one."])
        comparison.note(scorers.notes())
        return comparison.answer(next(iter(versions)))

    def _plan(self, version: str, catalog: Mapping[str, Any] | None, known: Mapping[str, Plan]) -> Plan:
        plan = self._plans.get(version) or known.get(version)
        if plan is None:
            assert catalog is not None, "a catalog is told where its version is not known"
            plan = compile_catalog(catalog)
        kept = [(one, other) for one, other in self._plans.items() if one != version]
        self._plans = dict([*kept, (version, plan)][-limits.WHAT_IF_PLANS_KEPT_MAX:])
        return plan


def _asked(comparison: Comparison, placed: _Placed, snapshot: Snapshot) -> list[tuple[int, Asked]]:
    profiles, erased, known, now_ms = snapshot.profiles(), snapshot.erased(), snapshot.known(), snapshot.now_ms
    found = []
    for place, command in placed:
        if command.customer in profiles:
            asked = Asked(command, profiles[command.customer], known, now_ms, asking.seed_of(command))
            found.append((place, asked))
        else:
            gone = "this customer was erased" if command.customer in erased else "the shard refused this request"
            comparison.skip(place, command.customer_id, gone)
    return found


def _skip_all(comparison: Comparison, placed: _Placed, reason: str) -> None:
    for place, command in placed:
        comparison.skip(place, command.customer_id, reason)
