"""Units that customers held who do not come back by a restore: given back by a row of their own, as an erasure does.

What a customer holds is what its base profile holds and what the rows since say of it in the clear. The row is the
owner's newest; it names the end of each such customer, and its facts are sealed with keys that are gone.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Final

from actors import naming
from actors.journal import records, seal
from actors.journal.rows import RowSegment, TurnRow, pack_row, unpack_row
from actors.stores.master_key import MasterKeyPlace
from cluster.moving.customer_keys import stored_keys
from cluster.moving.erasures import Erasures
from cluster.moving.place import OwnerState, Source, Target
from cluster.moving.tables import BASE, BASE_PROFILE, KEY, LOG, Row
from models.budgets.escrow import Key
from models.profile import packing
from models.profile.facts import Erased
from models.resharding import held_units
from models.turn.receipts import Receipt

_SEED_BYTES: Final = 32
_AT: Final = LOG.columns.index("at_ms")
#: (customer, generation) -> units by (budget, period).
_Held = dict[tuple[bytes, int], Counter[Key]]


def release_erased(backup: Source, target: Target, erasures: Erasures, master: MasterKeyPlace) -> None:
    """After the rest of every owner has arrived. May be repeated: the same row is made again."""
    for owner in backup.owners() if erasures else ():
        state = backup.state(owner)
        if naming.shard_of_owner(owner) is None or state is None:
            continue
        held, at_ms = _held_by(backup, owner, erasures, master)
        if held:
            _write(target, owner, state, _row_of(held, erasures), at_ms)


def _held_by(backup: Source, owner: str, erasures: Erasures, master: MasterKeyPlace) -> tuple[_Held, int]:
    """What those hold who end, and the time of the newest row."""
    (base,) = [row for page in backup.pages(owner, BASE) for row in page] or [(0, 0)]
    begin, at_ms = base[:2]
    held = _held_at_base(backup, owner, erasures, master)
    for page in backup.pages(owner, LOG, (begin,)):
        at_ms = page[-1][_AT]
        for *_, payload in page:
            for part in unpack_row(payload).segments:
                if _ends(erasures, part.customer, part.generation):
                    sums = held.setdefault((part.customer, part.generation), Counter())
                    for budget, period, units, _, _ in part.public["b"]:
                        sums[budget, period] += units
    still = {who: Counter({key: units for key, units in sums.items() if units}) for who, sums in held.items()}
    return {who: sums for who, sums in still.items() if sums}, at_ms


def _held_at_base(backup: Source, owner: str, erasures: Erasures, master: MasterKeyPlace) -> _Held:
    stored = {
        (row[0], row[2]): row for page in backup.pages(owner, BASE_PROFILE) for row in page
        if _ends(erasures, row[0], row[2])
    }
    keys = stored_keys(backup, owner, master)
    held: _Held = {}
    for customer, generation, month, wrapped in (row for page in backup.pages(owner, KEY) for row in page):
        profile: Row | None = stored.get((customer, generation))
        if profile is not None:
            key = keys.unwrap(month, customer, generation, wrapped)
            packed = seal.unseal(key, seal.PROFILE, customer, generation, profile[-1])
            sums = held.setdefault((customer, generation), Counter())
            for unit, units in held_units(packing.unpack(packed)):
                sums[unit] += units
    return held


def _ends(erasures: Erasures, customer: bytes, generation: int) -> bool:
    ended = erasures.get(customer)
    return ended is not None and generation <= ended[0]


def _row_of(held: Mapping[tuple[bytes, int], Counter[Key]], erasures: Erasures) -> list[RowSegment]:
    return [
        RowSegment(customer, generation, {
            "k": [Erased.TAG], "b": [[*key, -units, 0, 0] for key, units in sorted(sums.items())], "o": [], "i": [],
            "e": Receipt(customer, generation, erasures[customer][1]).text,
        }, b"")
        for (customer, generation), sums in sorted(held.items())
    ]


def _write(target: Target, owner: str, state: OwnerState, parts: list[RowSegment], at_ms: int) -> None:
    seq = state.last_seq + 1
    payload = pack_row(TurnRow(at_ms, bytes(_SEED_BYTES), (), parts))
    batch_id = hashlib.blake2b(payload, digest_size=16).digest()
    digest = records.row_checksum(seq, state.epoch, batch_id, payload, at_ms)
    target.write(owner, LOG, [(seq, state.epoch, batch_id, at_ms, digest, payload)])
    target.put_state(owner, OwnerState(state.epoch, seq, state.incarnation))
