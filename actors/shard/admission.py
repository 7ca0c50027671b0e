"""The shard's own look at what the gateways send: whose customer is it, and does it belong here.

A gateway works out key and shard from the tenant of the caller's credential. The shard does it again, so that a bug
there, or somebody who speaks the link's language, reaches no other tenant's customer. What does not fit changes
nothing; it is counted, and logged without any id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import structlog

from models import canonical, ids
from models.turn.commands import (
    DECISION,
    EVENT,
    EXPLAIN,
    EXPLAIN_PAST,
    HISTORY,
    OUTCOME,
    REFRESH,
    TICK,
    Command,
    Reply,
    problem,
)

log = structlog.get_logger(__name__)
#: What it is counted under, in the shard's status.
MISFITS: Final = "misfits"
#: Kinds whose body names the customer too.
_NAMING: Final = frozenset({DECISION, EVENT, EXPLAIN, EXPLAIN_PAST, HISTORY, OUTCOME})


class Admission:
    def __init__(self, secret: bytes, shard: int, shards: int, totals: Counter[str]) -> None:
        """``secret``: the installation's; ``totals``: where misfits are counted."""
        self._secret = secret
        self._shard = shard
        self._shards = shards
        self._totals = totals

    def refusals(self, commands: Sequence[Command]) -> dict[int, Reply]:
        """By its place, the answer to each command that does not fit; mostly empty."""
        found: dict[int, Reply] = {}
        for place, command in enumerate(commands):
            misfit = self._misfit(command)
            if misfit:
                self._totals[MISFITS] += 1
                log.error("a command does not fit its caller", kind=str(command.kind)[:20], misfit=misfit)
                found[place] = _refused(command)
        return found

    def _misfit(self, command: Command) -> str:
        """What is wrong with a command; "" for one that is right."""
        key = command.customer
        if command.kind in (TICK, REFRESH):
            return "only the shard itself fires timers and refreshes scores"
        if not command.tenant or len(key) != ids.CUSTOMER_KEY_BYTES:
            return "it names no tenant or no customer"
        if command.customer_id:
            if key != ids.customer_key(self._secret, command.tenant, command.customer_id):
                return "the key is not that of the customer and the tenant"
            if command.kind in _NAMING and command.body.get("customer_id") not in (None, command.customer_id):
                return "the body names another customer"
        elif self._of_decision(command) != key:
            return "the key is not that of the decision and the tenant"
        if ids.shard_of(key, self._shards) != self._shard:
            return "the slot belongs to another shard"
        return ""

    def _of_decision(self, command: Command) -> bytes | None:
        """The customer whom the decision in the body names, as the tenant may know it."""
        key = ids.customer_key_of_decision(str(command.body.get("decision_id") or ""))
        return None if key is None else ids.key_as_of_tenant(self._secret, command.tenant, key)


def _refused(command: Command) -> Reply:
    detail = "the shard refused what the gateway made of this call; nothing was done, and the operator's log tells why"
    return Reply(500, canonical.pack(problem(500, "internal error", detail, request_id=command.request_id)))
