"""The commands around moves, as they are typed."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from unit.moving.lived import audited, embedded, lived_in
from unit.moving.rebuilding import visited

from cluster.cli import app
from cluster.moving.backup_place import MANIFEST
from cluster.runfile import RunFile, forget_run, this_process
from models.errors import BadInput, KairosError


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of an installation that was stopped in good order."""
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "data"
    asyncio.run(lived_in(place, monkeypatch))
    asyncio.run(visited(place, monkeypatch, "sqlite", 2, goes_on=False))
    return place


def run(*arguments: Any) -> dict[str, Any]:
    """What a command prints for machines. Raises what it raises."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    if done.exception is not None:
        raise done.exception
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(next(line for line in done.output.splitlines() if line.startswith("{")))
    return found


def test_back_up_restore_and_reshard_as_typed(data_dir: Path, tmp_path: Path) -> None:
    backup, restored, more = tmp_path / "backup", tmp_path / "restored", tmp_path / "more"
    with pytest.raises(BadInput, match="no online backup"):
        run("backup", backup, "--online", "--data-dir", data_dir)
    RunFile(this_process(), "http://127.0.0.1:1").write(data_dir)
    for command in (["backup", backup], ["reshard", "--shards", 3, "--to", more]):
        with pytest.raises(KairosError, match="kairos down"):
            run(*command, "--data-dir", data_dir)
    forget_run(data_dir)

    copied = run("backup", backup, "--data-dir", data_dir, "--json")
    assert (backup / MANIFEST).is_file()
    restored.mkdir()
    shutil.copy(data_dir / "master.key", restored)
    assert run("restore", backup, "--data-dir", restored, "--erasures", backup, "--json") == copied
    assert audited(embedded(restored)) == audited(embedded(data_dir))

    moved = run("reshard", "--shards", 3, "--to", more, "--data-dir", restored, "--json")
    assert moved["profile"] == copied["profile"]
    assert embedded(more).install(None, 1_024).shards == 3
    with pytest.raises(BadInput, match=str(more)):
        embedded(restored).install(None, 1_024)
    assert audited(embedded(restored)) == audited(embedded(data_dir))
