"""The seal: what erasing a customer rests on."""

from __future__ import annotations

import pytest

from actors.journal import seal
from actors.journal.rows import RowSegment, TurnRow, pack_row, unpack_row
from models.errors import JournalFailed

A, B = b"a" * 16, b"b" * 16


def test_what_was_sealed_opens_only_for_its_customer_generation_and_kind() -> None:
    key = seal.new_key()
    sealed = seal.seal(key, seal.SEGMENT, A, 1, b"facts")
    assert b"facts" not in sealed
    assert seal.unseal(key, seal.SEGMENT, A, 1, sealed) == b"facts"
    wrong = [
        (key, seal.PROFILE, A, 1, sealed), (key, seal.SEGMENT, B, 1, sealed), (key, seal.SEGMENT, A, 2, sealed),
        (seal.new_key(), seal.SEGMENT, A, 1, sealed), (key, seal.SEGMENT, A, 1, sealed[:-1] + b"\0"),
        (key, seal.SEGMENT, A, 1, b"short"),
    ]
    for arguments in wrong:
        with pytest.raises(JournalFailed, match="does not open"):
            seal.unseal(*arguments)


def test_two_seals_of_the_same_bytes_differ() -> None:
    key = seal.new_key()
    assert seal.seal(key, seal.SEGMENT, A, 1, b"x") != seal.seal(key, seal.SEGMENT, A, 1, b"x")


def test_a_row_keeps_shard_facts_and_segments() -> None:
    row = TurnRow(5, b"s" * 16, [[107, 5]], [RowSegment(A, 1, {"k": [1]}, b"sealed")])
    assert unpack_row(pack_row(row)) == row
