"""`kairos up` keeps a list of its processes; a full disk must not end it."""

from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cluster import runfile, supervise


def test_a_run_file_that_cannot_be_written_is_written_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running: Any = SimpleNamespace(url="http://127.0.0.1:8000", settings=SimpleNamespace(data_dir=tmp_path))
    process = runfile.this_process()
    monkeypatch.setattr(runfile, "descendants", lambda: [process])

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(runfile, "replace_file", full)
        assert supervise._keep_run_file(running, set()) == set()
    assert supervise._keep_run_file(running, set()) == {process.pid}
    found = runfile.read_run(tmp_path)
    assert found is not None
    assert found.others == [process]
