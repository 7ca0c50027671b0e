"""Answers that a rebuilt installation still owes: the same request gets the same bytes for seven days.

The rows with decisions of the last days are copied, sealed as they are, to before the rows with which the new journals
begin, each customer's part to the owner of its slot. Nothing is folded from there; only who repeats a request is
answered from them, until the journal is truncated beyond.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

from actors import naming
from actors.journal import records
from actors.journal.rows import RowSegment, TurnRow, pack_row, unpack_row
from cluster.moving.copying import Progress
from cluster.moving.place import Source, Target
from cluster.moving.tables import IDEM, LOG, Row
from models import ids, limits
from models.errors import JournalFailed
from models.profile.facts import Decided

_BATCH_BYTES: Final = 16
_IDEM_SEQ: Final = IDEM.columns.index("seq")
_IDEM_AT: Final = IDEM.columns.index("at_ms")
_IDEM_CUSTOMER: Final = IDEM.columns.index("customer")


class _Bundle:
    """Parts of old rows that will be one new row."""

    def __init__(self) -> None:
        self.parts: list[RowSegment] = []
        self.last_seq = 0
        self.at_ms = 0

    def add(self, part: RowSegment, seq: int, at_ms: int) -> None:
        self.parts.append(RowSegment(part.customer, part.generation, {"k": part.public["k"]}, part.sealed))
        self.last_seq, self.at_ms = seq, max(at_ms, self.at_ms)


class Answers:
    def __init__(self, source: Source, target: Target, shards: int, first: int, epoch: int, since_ms: int) -> None:
        """``first``: the row after which the new journals may have rows; ``since_ms``: older answers are not owed."""
        self._source = source
        self._target = target
        self._epoch = epoch
        self._since_ms = since_ms
        #: The newest row of each new shard.
        self.ends = [first] * shards
        #: By old owner and new shard: (newest old row of a bundle, its new row), ascending.
        self._rows: dict[tuple[str, int], list[tuple[int, int]]] = {}

    def carry(self, owner: str, progress: Progress) -> None:
        """Copy what an old owner owes."""
        bundles = [_Bundle() for _ in self.ends]
        carried = 0
        for seq, at_ms, parts in self._owed(owner):
            for part in parts:
                bundles[ids.shard_of(part.customer, len(self.ends))].add(part, seq, at_ms)
            carried += len(parts)
            for shard, bundle in enumerate(bundles):
                if len(bundle.parts) >= limits.READ_SEGMENTS:
                    self._write(owner, shard, bundle)
                    bundles[shard] = _Bundle()
            progress(owner, "answers", carried)
        for shard, bundle in enumerate(bundles):
            if bundle.parts:
                self._write(owner, shard, bundle)

    def _owed(self, owner: str) -> Iterator[tuple[int, int, Sequence[RowSegment]]]:
        """Old rows with decisions: number, time, the parts that have them."""
        young = (
            row[_IDEM_SEQ] for page in self._source.pages(owner, IDEM) for row in page if row[_IDEM_AT] > self._since_ms
        )
        first = min(young, default=None)
        for page in self._source.pages(owner, LOG, (first - 1,)) if first is not None else ():
            for seq, epoch, batch_id, at_ms, digest, payload in page:
                if records.row_checksum(seq, epoch, batch_id, payload, at_ms) != digest:
                    raise JournalFailed(f"row {seq} of {owner} is damaged; restore this journal from a backup")
                parts = [part for part in unpack_row(payload).segments if Decided.TAG in part.public["k"]]
                if parts and at_ms > self._since_ms:
                    yield seq, at_ms, parts

    def _write(self, owner: str, shard: int, bundle: _Bundle) -> None:
        self.ends[shard] += 1
        seq = self.ends[shard]
        payload = pack_row(TurnRow(bundle.at_ms, b"", (), bundle.parts))
        batch_id = hashlib.blake2b(payload, digest_size=_BATCH_BYTES).digest()
        digest = records.row_checksum(seq, self._epoch, batch_id, payload, bundle.at_ms)
        row = (seq, self._epoch, batch_id, bundle.at_ms, digest, payload)
        self._target.write(naming.shard_owner(shard), LOG, [row])
        self._rows.setdefault((owner, shard), []).append((bundle.last_seq, seq))

    def moved_key(self, owner: str, row: Row) -> Row:
        """A remembered key of an old owner, pointing at where its answer is now."""
        bundles = self._rows.get((owner, ids.shard_of(row[_IDEM_CUSTOMER], len(self.ends))), [])
        place = bisect_left(bundles, (row[_IDEM_SEQ], 0))
        if place == len(bundles):
            return row  # no row is called so any more: too old, or not a decision's
        return *row[:_IDEM_SEQ], bundles[place][1], *row[_IDEM_SEQ + 1:]
