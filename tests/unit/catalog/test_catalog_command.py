"""``kairos catalog check FILE``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cluster.cli.catalog import app


def check(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["check", *arguments])


@pytest.fixture
def sound(tmp_path: Path, small: str) -> Path:
    path = tmp_path / "catalog.yaml"
    path.write_text(small)
    return path


@pytest.fixture
def broken(tmp_path: Path, small: str) -> Path:
    path = tmp_path / "broken.yaml"
    path.write_text(small.replace("currency: USD", "currency: usd").replace("segments.loyal", "segments.loyla"))
    return path


def test_a_sound_file_is_counted_and_exits_0(sound: Path) -> None:
    result = check(str(sound))
    assert result.exit_code == 0
    assert result.stdout.startswith("ok: 2 actions, 2 treatments")
    assert "version sha256:" in result.stdout


def test_every_error_is_printed_with_file_line_and_path_and_the_command_exits_1(broken: Path) -> None:
    result = check(str(broken))
    assert result.exit_code == 1
    assert f"{broken}:3: currency: 'usd' is no currency" in result.stderr
    assert f"{broken}:25: actions.0.eligibility: unknown segment 'loyla'" in result.stderr
    assert "the catalog has 2 errors" in result.stderr
    assert result.stdout == ""


def test_machines_get_one_object(sound: Path, broken: Path) -> None:
    good, bad = json.loads(check(str(sound), "--json").stdout), json.loads(check(str(broken), "--json").stdout)
    assert good["ok"] is True
    assert good["catalog_version"].startswith("sha256:")
    assert bad["ok"] is False
    assert [error["line"] for error in bad["errors"]] == [3, 25]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"[" * 10_000, b"x" * 2_000_000, b"\x80\x04."])
def test_a_file_that_is_no_catalog_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.yaml"
    path.write_bytes(content)
    result = check(str(path))
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert result.stderr


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    result = check(str(tmp_path / "nothing.yaml"))
    assert result.exit_code == 1
    assert "cannot read" in result.stderr
