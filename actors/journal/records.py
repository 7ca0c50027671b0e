"""The records of a journal as a store keeps them: columns in this order, the last one a checksum over the others, so
that a damaged record is never taken for a good one."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from actors.journal.interface import Base, Checkpoint, Row, StoredProfile
from models.errors import JournalFailed

ROW: Final = "seq, epoch, batch_id, payload, at_ms, checksum"
PROFILE: Final = "customer, seq, generation, sealed, due_ms, checksum"
#: Of a checkpoint and of the base.
STATE: Final = "seq, at_ms, state, checksum"
_CHECKSUM_BYTES: Final = 8


def checksum(*parts: int | bytes) -> bytes:
    """8 bytes of BLAKE2b over the parts of a record in order; integers as 8 bytes, big-endian."""
    digest = hashlib.blake2b(digest_size=_CHECKSUM_BYTES)
    for part in parts:
        digest.update(part if isinstance(part, bytes) else part.to_bytes(8, "big", signed=True))
    return digest.digest()


def _verify(stored: bytes, where: str, what: str, *parts: int | bytes) -> None:
    if checksum(*parts) != stored:
        raise JournalFailed(f"{where}: {what} is damaged; restore this journal from a backup")


def row_checksum(seq: int, epoch: int, batch_id: bytes, payload: bytes, at_ms: int) -> bytes:
    return checksum(seq, epoch, at_ms, batch_id, payload)


def profile_values(profile: StoredProfile) -> tuple[Any, ...]:
    """In the order of ``PROFILE``."""
    p = profile
    digest = checksum(p.customer, p.seq, p.generation, p.due_ms, p.sealed)
    return p.customer, p.seq, p.generation, p.sealed, p.due_ms, digest


def state_values(state: Checkpoint | Base) -> tuple[Any, ...]:
    """In the order of ``STATE``."""
    return state.seq, state.at_ms, state.state, checksum(state.seq, state.at_ms, state.state)


def read_row(values: tuple[Any, ...], where: str) -> Row:
    seq, epoch, batch_id, payload, at_ms, stored = values
    _verify(stored, where, f"row {seq}", seq, epoch, at_ms, batch_id, payload)
    return Row(seq, epoch, batch_id, payload, at_ms)


def read_profile(values: tuple[Any, ...], where: str) -> StoredProfile:
    customer, seq, generation, sealed, due_ms, stored = values
    _verify(stored, where, f"the profile stored at row {seq}", customer, seq, generation, due_ms, sealed)
    return StoredProfile(customer, seq, generation, sealed, due_ms)


def read_checkpoint(values: tuple[Any, ...], where: str) -> Checkpoint:
    seq, at_ms, state, stored = values
    _verify(stored, where, f"checkpoint {seq}", seq, at_ms, state)
    return Checkpoint(seq, at_ms, state)


def read_base(values: tuple[Any, ...], where: str) -> Base:
    seq, at_ms, state, stored = values
    _verify(stored, where, "the base state", seq, at_ms, state)
    return Base(seq, at_ms, state)
