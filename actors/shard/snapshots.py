"""Customers as they are, and what the shard decides by: for decisions that are tried elsewhere (``actors.insight``).

Read beside the turns. Nothing here changes anything, and nothing is decided: another process does that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from actors.shard.parts import ShardParts
from actors.shard.store import Loaded
from models import limits
from models.canonical import pack, unpack
from models.profile import packing
from models.turn.commands import Command, Reply
from models.turn.keys import KeyPair, Remembered, wanted

#: By its place, the answer to each command that does not fit its caller.
Refusals = Callable[[Sequence[Command]], Mapping[int, Reply]]


async def snapshots(parts: ShardParts, refusals: Refusals, asked: bytes) -> bytes:
    """``asked``: ``{"commands": [decision commands' wires], "catalogs": [versions that need not be told]}``.

    Answers ``{"now_ms", "catalog_version" (None before the first), "catalog" (None where its version is known),
    "evidence", "roles": wires, "free": [[budget, period, units]], "customers": [[key, generation, packed profile or
    None, whether erased]], "keys": [[customer, key, seq, at_ms, fingerprint, hint]] of events that were applied,
    "refused": places of commands that do not fit}``.
    """
    told = unpack(asked)
    commands = [Command.from_wire(wire) for wire in told["commands"]]
    refused = refusals(commands)
    fit = [command for place, command in enumerate(commands) if place not in refused]
    customers, keys = list(dict.fromkeys(command.customer for command in fit)), wanted(fit)
    stored = await _stored(parts, customers, keys)
    packed = await _packed(parts, customers, stored)
    state = parts.core.state
    remembered: dict[KeyPair, Remembered] = {
        pair: entry for pair in keys if (entry := state.recall(pair) or stored.keys.get(pair)) is not None
    }
    version = state.catalog_version
    plain = {
        "now_ms": parts.now_ms(), "catalog_version": version,
        "catalog": state.plan.catalog if state.plan is not None and version not in told["catalogs"] else None,
        "evidence": state.evidence.to_wire(), "roles": state.roles.to_wire(),
        "free": [[position.budget, position.period, position.free] for position in state.escrow.positions()],
        "customers": packed,
        "keys": [[*pair, one.seq, one.at_ms, one.fingerprint, one.hint] for pair, one in remembered.items()],
        "refused": sorted(refused),
    }
    return await asyncio.to_thread(pack, plain)


async def _stored(parts: ShardParts, customers: Sequence[bytes], keys: Sequence[KeyPair]) -> Loaded:
    """What the store has of those who are not in memory."""
    away = parts.residency.missing(customers)
    loaded: Loaded = await parts.writer(parts.store.load, away, keys)
    return loaded


async def _packed(parts: ShardParts, customers: Sequence[bytes], stored: Loaded) -> list[list[Any]]:
    """Each as it is now; others have their turn in between."""
    found: list[list[Any]] = []
    for place, customer in enumerate(customers):
        if place % limits.WHAT_IF_PACKED_AT_ONCE == limits.WHAT_IF_PACKED_AT_ONCE - 1:
            await asyncio.sleep(0)
        entry = parts.residency.get(customer)  # who came into memory meanwhile is newer there
        if entry is not None:
            plain = None if entry.erased else entry.packed or packing.pack_fast(_there(entry.profile))
            found.append([customer, entry.generation, plain, entry.erased])
        elif customer in stored.profiles:
            one = stored.profiles[customer]
            found.append([customer, one.generation, one.packed, False])
        else:
            found.append([customer, 0, None, customer in stored.receipts])
    return found


def _there(profile: Any) -> Any:
    assert profile is not None, "a customer in memory is packed, unpacked or erased"
    return profile
