"""The commands of a terminal: usage, one clear line for each failure, and an end in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.postgres import PostgresServer
from support.postgres import without_password as without
from unit.moving.lived import audited, embedded
from unit.moving.rebuilding import stopped_installation

from actors.stores.postgresql import PostgresqlStore
from models.errors import BadInput

COMMANDS = ("migrate-store", "backup", "restore", "reshard")
#: The real command, with small pages, that sends its main thread a signal after so many of them, whatever thread draws.
#: SIGINT means what it means in a terminal: what a shell starts in its background would else ignore it.
_ENDED = """
import signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)
from models import limits
limits.MOVE_PAGE_ROWS = 3
from rich.progress import Progress
left, number = [int(sys.argv[1])], int(sys.argv[2])
update = Progress.update
def ending(self, *args, **more):
    left[0] -= 1
    if not left[0]:
        signal.pthread_kill(threading.main_thread().ident, number)
    update(self, *args, **more)
Progress.update = ending
sys.argv = ["kairos", *sys.argv[3:]]
from cluster.cli import main
main()
"""


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return stopped_installation(tmp_path_factory.mktemp("lived") / "data")


def _run(*arguments: Any, after: int = 0, number: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _ENDED, str(after), str(number), *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=90, env=environment)


def test_each_tells_how_it_is_used_and_refuses_what_is_not(data_dir: Path) -> None:
    for command, option in zip(COMMANDS, ("--to", "--online", "--erasures", "--shards"), strict=True):
        told = _run(command, "--help")
        assert (told.returncode, told.stderr) == (0, "")
        assert option in told.stdout
        assert "--json" in told.stdout
        wrong = _run(command, "--no-such-option")
        assert wrong.returncode == 2
        assert "--no-such-option" in wrong.stderr
    for wrong in (_run("reshard", "--shards", "many", "--to", "x"), _run("restore"), _run("migrate-store")):
        assert wrong.returncode == 2
        assert "Traceback" not in wrong.stderr


def test_each_failure_is_one_clear_line(data_dir: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    failures = {
        ("backup", tmp_path / "b", "--data-dir", empty): "holds no installation",
        ("restore", empty, "--data-dir", tmp_path / "r"): "not a backup",
        ("reshard", "--shards", 0, "--to", tmp_path / "n", "--data-dir", data_dir): "1 to 1024 shards",
        ("reshard", "--shards", 3, "--to", data_dir, "--data-dir", data_dir): "name another place",
        ("reshard", "--shards", 3, "--to", tmp_path / "n", "--data-dir", empty): "holds no whole installation",
        ("migrate-store", "--to", "postgresql://kairos@127.0.0.1:1/x", "--data-dir", data_dir): "127.0.0.1:1",
        ("migrate-store", "--to", "mysql://x/y", "--data-dir", data_dir): "postgresql://",
        ("backup", data_dir, "--data-dir", data_dir): "is not empty",
    }
    for arguments, said in failures.items():
        done = _run(*arguments)
        assert done.returncode == 1, done
        assert len(done.stderr.splitlines()) == 1, done.stderr
        line = done.stderr
        assert line.startswith("kairos: ")
        assert said in line
        assert done.stdout == ""
    assert embedded(data_dir).install(None, 1_024).shards == 2


def test_whoever_is_interrupted_goes_on_when_asked_again(
    data_dir: Path, new: Path, tmp_path: Path, postgres: PostgresServer
) -> None:
    url = postgres.fresh_database()
    whole = audited(embedded(data_dir))
    backup = tmp_path / "backup"
    assert _run("backup", backup, "--data-dir", data_dir, after=4, number=signal.SIGINT).returncode == 130
    (unfinished,) = _run("restore", backup, "--data-dir", new).stderr.splitlines()
    assert "not finished" in unfinished

    third = tmp_path / "third"
    commands: list[tuple[Any, ...]] = [
        ("backup", tmp_path / "second", "--data-dir", data_dir),
        ("restore", tmp_path / "second", "--data-dir", new),
        ("reshard", "--shards", 3, "--to", third, "--data-dir", new),
        ("migrate-store", "--to", without(url), "--data-dir", data_dir),
    ]
    secret = {"PGPASSWORD": postgres.password}
    for command in commands:
        for number in (signal.SIGINT, signal.SIGTERM) if command[0] != "backup" else ():
            ended = _run(*command, after=6, number=number, **secret)
            assert ended.returncode == (130 if number == signal.SIGINT else -signal.SIGTERM), ended
            assert "Traceback" not in ended.stderr
        done = _run(*command, "--json", **secret)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["profile"] > 0
        assert postgres.password not in done.stdout + done.stderr
    with pytest.raises(BadInput):
        embedded(new).install(None, 1_024)
    assert embedded(third).install(None, 1_024).shards == 3
    assert audited(embedded(new)) == whole == audited(PostgresqlStore(url, data_dir))
