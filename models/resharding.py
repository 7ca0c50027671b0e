"""What shards and coordinator know, divided anew over another number of shards. Pure.

Customers go to the shards of their slots, and with each the units that it holds. Everything else that is only summed
(units free and spent, outcomes and experiments counted) goes to shard 0, whence the coordinator recalls what others
need. No sum changes: neither that of what shards hold, nor that of what the coordinator granted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from models.budgets.escrow import Key
from models.budgets.grants import Account
from models.canonical import pack, unpack
from models.coordination.messages import Position
from models.coordination.state import CoordinatorState, pack_state, unpack_state
from models.coordination.totals import EvidenceTotals
from models.errors import InvariantBroken
from models.experiments.counting import ExperimentCounts
from models.profile.state import BUDGET_HELD, Profile
from models.scoring.evidence import EvidenceCounts
from models.turn.shard_state import ShardState

#: Units held by (budget, period), per new shard.
Held = Sequence[Mapping[Key, int]]


def held_units(profile: Profile) -> Iterator[tuple[Key, int]]:
    """What a customer's open contacts hold."""
    for contact in profile.ledger:
        for budget, units, period, _, state in contact.budgets:
            if state == BUDGET_HELD:
                yield (budget, period), units


def reshard_shards(old: Sequence[ShardState], held: Held, seqs: Sequence[int]) -> list[ShardState]:
    """The states with which the new journals begin, each at its row. Raises ``InvariantBroken`` when customers hold
    more than the shards know of."""
    newest = max(old, key=lambda state: (state.plan is not None, state.evidence.version))
    packed = unpack(newest.pack()) | {
        "last_ms": max(state.last_ms for state in old), "clock_ms": max(state.clock_ms for state in old),
    }
    escrows = _escrows(old, held)
    counts = [_counts(old).to_wire(), *([EvidenceCounts().to_wire()] * (len(held) - 1))]
    merged = ExperimentCounts.merged(state.experiments for state in old)
    experiments = [merged.to_wire(), *([ExperimentCounts().to_wire()] * (len(held) - 1))]
    return [
        ShardState.unpack(shard, pack(packed | {
            "escrow": escrows[shard], "counts": counts[shard], "experiments": experiments[shard], "seq": seq,
        }))
        for shard, seq in enumerate(seqs)
    ]


def _counts(old: Sequence[ShardState]) -> EvidenceCounts:
    """All that was ever counted."""
    sums: dict[tuple[str, str], list[int]] = {}
    for state in old:
        for count in state.counts.changes_since(0):
            both = sums.setdefault((count.kind, count.id), [0, 0])
            both[0] += count.accepts
            both[1] += count.contacts
    mark = sum(state.counts.mark for state in old)
    return EvidenceCounts.from_wire([mark, [[*key, *both, mark] for key, both in sums.items()]])


def _escrows(old: Sequence[ShardState], held: Held) -> list[bytes]:
    totals: dict[Key, list[int]] = {}
    dropped: dict[str, str] = {}
    for state in old:
        for position in state.escrow.positions():
            sums = totals.setdefault((position.budget, position.period), [0, 0, 0, 0])
            sums[0] += position.granted - position.returned
            sums[1] += position.spent
            sums[2] += position.held
            sums[3] += position.unfunded
        for lineage, period in unpack(state.escrow.pack())[1].items():
            dropped[lineage] = max(period, dropped.get(lineage, period))
    wires: list[list[list[Any]]] = [[] for _ in held]
    for key, (net, spent, all_held, unfunded) in totals.items():
        own = [shares.get(key, 0) for shares in held]
        if sum(own) > all_held:
            raise InvariantBroken(f"customers hold {sum(own)} units of {key}, their shards know of {all_held}")
        # What nobody holds any more but the shards still count (customers erased by a restore) stays counted.
        own[0] += all_held - sum(own)
        elsewhere = sum(own[1:])
        wires[0].append(Position(*key, net - elsewhere, 0, spent, own[0], unfunded).to_wire())
        for shard in range(1, len(own)):
            if own[shard]:
                wires[shard].append(Position(*key, own[shard], 0, 0, own[shard], 0).to_wire())
    unknown = {key for shares in held for key, units in shares.items() if units} - totals.keys()
    if unknown:
        raise InvariantBroken(f"customers hold units of {sorted(unknown)[:5]}, of which no shard knows")
    return [pack([positions, dropped]) for positions in wires]


def reshard_coordinator(old: CoordinatorState, shards: Sequence[ShardState], epoch: int) -> CoordinatorState:
    """The coordinator's state beside ``shards`` as ``reshard_shards`` made them. ``epoch``: of all of them, from which
    they go on."""
    state = unpack_state(pack_state(old))
    state.epochs = dict.fromkeys(range(len(shards)), epoch)
    positions = {
        (shard.shard, position.budget, position.period): position
        for shard in shards for position in shard.escrow.positions()
    }
    state.accounts = {key: _account(key, account, positions, len(shards)) for key, account in old.accounts.items()}
    version, by_shard, sums = old.evidence.to_wire()
    published: dict[tuple[str, str], list[int]] = {}
    for _, kind, id_, accepts, contacts in by_shard:
        both = published.setdefault((kind, id_), [0, 0])
        both[0] += accepts
        both[1] += contacts
    merged = [[0, *key, *both] for key, both in published.items()]
    state.evidence = EvidenceTotals.from_wire([version, merged, sums])
    state.experiments = state.experiments.as_one_shard()
    state.validate()
    return state


def _account(
    key: Key, old: Account, positions: Mapping[tuple[int, str, str], Position], shards: int
) -> Account:
    found = {shard: positions[shard, *key] for shard in range(shards) if (shard, *key) in positions}
    granted = {shard: position.granted for shard, position in found.items() if shard}
    granted[0] = old.outstanding - sum(granted.values())
    if 0 in found and granted[0] < found[0].granted:
        raise InvariantBroken(f"shards have {found[0].granted} units of {key}, the coordinator granted {granted[0]}")
    held = {shard: position.held for shard, position in found.items()}
    spent = found[0].spent if 0 in found else sum(old.spent.values())
    unfunded = found[0].unfunded if 0 in found else sum(old.unfunded.values())
    return Account(granted, {}, {0: spent}, held or {0: sum(old.held.values())}, {0: unfunded})
