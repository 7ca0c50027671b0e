"""An embedded installation whose disk fills up and has room again, under load."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from nodes.trial import goes_on, heals
from support import server
from support.examining import check_history, check_logs
from support.namespaces import missing
from support.small_disk import SmallDisk
from support.traffic import Traffic

from actors.stores.opening import open_store

pytestmark = pytest.mark.nightly
SHARDS = 2
BYTES = 96 * 1024 * 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    reason = missing()
    if reason:
        pytest.skip(reason)
    made = SmallDisk(tmp_path, BYTES, (os.geteuid(), os.getegid()))
    made.make()
    try:
        yield made
    finally:
        made.remove()


def test_a_full_disk_refuses_everything_and_loses_nothing(disk: SmallDisk, tmp_path: Path) -> None:
    installation = server.start(tmp_path, "--shards", str(SHARDS))
    try:
        with Traffic([installation.url], installation.key) as traffic:
            goes_on(traffic, 200)
            try:
                heals("clients are refused", lambda: disk.fill() or traffic.history.refused["no space"] > 100)
            finally:
                disk.free()
            goes_on(traffic, 200)
        heals("the coordinator is back", lambda: installation.client.get("/v1/catalog").status_code == httpx.codes.OK)
        wrong = check_history(traffic.history, installation.url, installation.key)
    finally:
        installation.close()
        subprocess.run([*server.kairos(), "down", "--data-dir", str(tmp_path)], check=True, capture_output=True)
    store = open_store({"store": "sqlite", "data_dir": str(tmp_path)})
    try:
        wrong += check_logs(store, SHARDS)
    finally:
        store.close()
    assert not wrong, "\n".join(wrong[:20])
