"""What ``kairos doctor`` says of a store."""

from __future__ import annotations

import os
from pathlib import Path

from support.stores import installed

from cluster.journal_check import journals, master_key


def test_the_master_key_that_fits_is_named_by_its_id_and_place(tmp_path: Path) -> None:
    store = installed(tmp_path)
    found = master_key(store)
    assert found.ok
    assert found.detail == f"{store.master.read().newest}, from {tmp_path / 'master.key'}"


def test_a_master_key_that_does_not_fit_is_a_finding(tmp_path: Path) -> None:
    store = installed(tmp_path)
    (tmp_path / "master.key").unlink()
    assert "restore it" in master_key(store).detail
    store.master.make()
    found = master_key(store)
    assert not found.ok
    assert "was wrapped with master key" in found.detail


def test_every_row_of_every_journal_is_read_and_a_lost_journal_told(tmp_path: Path) -> None:
    store = installed(tmp_path, shards=2)
    shard = store.shard_store(0)
    shard.journal.take_over("test")
    shard.journal.append(os.urandom(16), b"a turn")
    shard.close()
    installation = store.read_installation()
    assert installation is not None
    there, lost = journals(store, installation)
    assert (there.ok, there.detail) == (True, "1 rows, every checksum right")
    assert (lost.ok, lost.detail) == (False, f"{tmp_path} lacks it; restore it from a backup")
