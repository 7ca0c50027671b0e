"""``kairos master-key``: rotation that may be repeated, and what is shown of keys."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from support.stores import installed
from typer.testing import CliRunner

from actors.stores.master_key import VARIABLE
from cluster.cli import app
from models.errors import KairosError, MasterKeyFailed

A = b"a" * 16
NOW_MS = 1_796_000_000_000


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, place: Path) -> dict[str, object]:
    done = CliRunner().invoke(app, ["master-key", *arguments, "--data-dir", str(place), "--json"])
    if done.exception is not None:
        raise done.exception
    return dict(json.loads(done.stdout))


def filled(place: Path) -> Path:
    ring = installed(place).keyring("shard-0")
    ring.make([(A, 1)], NOW_MS)
    ring.close()
    return place


def wraps(place: Path) -> list[int]:
    keys = run("show", place=place)["keys"]
    assert isinstance(keys, list)
    return [key["wraps"] for key in keys]


def test_each_rotation_adds_one_key_that_wraps_everything(tmp_path: Path) -> None:
    place = filled(tmp_path / "data")
    assert wraps(place) == [2]
    assert run("rotate", place=place)["rewrapped"] == 2
    assert run("rotate", place=place)["rewrapped"] == 2
    assert wraps(place) == [2, 0, 0]


def test_a_rotation_that_was_interrupted_is_finished_without_another_key(tmp_path: Path) -> None:
    place = filled(tmp_path / "data")
    installed(place).master.add()
    assert wraps(place) == [0, 2]
    assert run("rotate", place=place)["rewrapped"] == 2
    assert wraps(place) == [2, 0]


def test_a_key_of_the_environment_is_put_there_by_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
    monkeypatch.setenv(VARIABLE, old)
    place = filled(tmp_path / "data")
    with pytest.raises(MasterKeyFailed, match="before the old one"):
        run("rotate", place=place)
    monkeypatch.setenv(VARIABLE, f"{new} {old}")
    assert run("rotate", place=place)["rewrapped"] == 2
    monkeypatch.setenv(VARIABLE, new)
    assert wraps(place) == [2]
    assert not (place / "master.key").exists()


def test_no_key_is_ever_printed(tmp_path: Path) -> None:
    place = filled(tmp_path / "data")
    keys = (place / "master.key").read_text().split()
    for arguments in (["show"], ["show", "--json"], ["rotate"]):
        done = CliRunner().invoke(app, ["master-key", *arguments, "--data-dir", str(place)])
        assert done.exit_code == 0
        assert not any(key in done.output for key in keys)


def test_a_running_embedded_installation_is_to_be_stopped_first(tmp_path: Path) -> None:
    place = filled(tmp_path / "data")
    held = installed(place).keyring("shard-0")
    before = (place / "master.key").read_bytes()
    with pytest.raises(KairosError, match="stopped for this"):
        run("rotate", place=place)
    held.close()
    assert (place / "master.key").read_bytes() == before


def test_a_missing_key_is_shown_as_such(tmp_path: Path) -> None:
    place = filled(tmp_path / "data")
    store = installed(place)
    old = store.master.read().newest
    (place / "master.key").unlink()
    store.master.make()
    assert [key["here"] for key in run("show", place=place)["keys"] if key["id"] == old] == [False]  # type: ignore[attr-defined]
    done = CliRunner().invoke(app, ["master-key", "show", "--data-dir", str(place)])
    assert isinstance(done.exception, MasterKeyFailed)


def test_a_place_without_an_installation_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KairosError, match="holds no installation"):
        run("show", place=tmp_path / "none")
