"""The key file and the seal: what erasing a customer rests on."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.journal import seal
from actors.journal.keyring import Keyring
from actors.journal.rows import RowSegment, TurnRow, pack_row, unpack_row
from models.errors import JournalFailed

A, B = b"a" * 16, b"b" * 16


def test_keys_are_made_once_and_survive_a_reopening(tmp_path: Path) -> None:
    ring = Keyring(tmp_path)
    made = ring.make([(A, 1), (B, 1), (A, 1)])
    assert set(made) == {(A, 1), (B, 1)}
    assert made[A, 1] != made[B, 1]
    ring.close()
    ring = Keyring(tmp_path)
    assert ring.make([(A, 1)]) == {(A, 1): made[A, 1]}
    assert ring.keys([(A, 1), (A, 2)]) == {(A, 1): made[A, 1]}
    ring.close()


def test_a_destroyed_key_is_in_no_file_any_more(tmp_path: Path) -> None:
    ring = Keyring(tmp_path)
    secrets = ring.make([(A, 1), (A, 2), (B, 1)])
    ring.destroy([(A, 1)], 5)
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    first, second = secrets[A, 1], secrets[A, 2]
    assert first is not None
    assert second is not None
    assert first not in stored
    assert second in stored
    assert ring.key(A, 1) is None
    assert ring.key(A, 2) == second
    ring.close()


def test_destroying_again_changes_nothing_and_is_remembered(tmp_path: Path) -> None:
    ring = Keyring(tmp_path)
    ring.make([(A, 1), (A, 2)])
    ring.destroy([(A, 2)], 7)
    ring.destroy([(A, 2), (A, 1)], 9)
    ring.close()
    ring = Keyring(tmp_path)
    assert ring.keys([(A, 1), (A, 2)]) == {(A, 1): None, (A, 2): None}
    assert ring.make([(A, 2)]) == {(A, 2): None}
    assert ring.destroyed([A, B]) == {A: (2, 7)}
    ring.close()


def test_a_key_that_was_never_destroyed_but_is_missing_is_no_erasure(tmp_path: Path) -> None:
    ring = Keyring(tmp_path)
    with pytest.raises(JournalFailed, match="is missing"):
        ring.key(A, 1)
    ring.close()


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
