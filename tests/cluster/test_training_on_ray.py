"""Training by Ray Data and Ray Train, on a cluster that the command starts for itself: 40 s of processor time, nearly
all of it Ray's processes that start one after the other. Every run has the same path without Ray, to the byte, in
``tests/unit/many_rows/test_shares.py``."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.server import kairos
from unit.many_rows.rows_on_disk import folder

from cluster.training import read_rows
from models.scoring.training import train

pytestmark = pytest.mark.nightly
_WAIT_S = 300.0


def trained(rows: Path, data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*kairos(), "train", "--rows", str(rows), "--data-dir", str(data_dir), "--threads", "1", "--json"]
    return subprocess.run([*command, *arguments], check=False, capture_output=True, text=True, timeout=_WAIT_S)


def test_one_worker_makes_the_scorer_that_one_process_makes(tmp_path: Path) -> None:
    rows = folder(tmp_path / "rows", 3_000)
    done = trained(rows, tmp_path / "data", "--ray")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    here = train(read_rows(rows), told["created_ms"])
    assert told["version"] == here.manifest.version
    assert {name: told[name] for name in here.report} == json.loads(json.dumps(here.report))
    assert (tmp_path / "data" / "scorers" / told["version"] / "model.ubj").read_bytes() == here.model
