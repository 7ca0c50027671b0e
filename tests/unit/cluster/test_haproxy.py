"""The wrapper around HAProxy binds side ports to loopback and never wraps itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cluster.haproxy import VARIABLE, install_wrapper

CONFIGURATION = """frontend stats
  bind *:8404
frontend metrics
    bind :9101
frontend api
    bind 127.0.0.1:8000
frontend public
    bind 10.0.0.5:8000
"""


def test_side_ports_are_bound_to_loopback_and_chosen_addresses_stay(tmp_path: Path) -> None:
    configuration = tmp_path / "haproxy.cfg"
    configuration.write_text(CONFIGURATION)
    subprocess.run([install_wrapper(tmp_path), "-v", "-f", configuration], check=True, capture_output=True)
    binds = [line.split()[1] for line in configuration.read_text().splitlines() if "bind" in line]
    assert binds == ["127.0.0.1:8404", "127.0.0.1:9101", "127.0.0.1:8000", "10.0.0.5:8000"]


def test_a_process_that_replaced_itself_does_not_wrap_the_wrapper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = install_wrapper(tmp_path)
    monkeypatch.setenv(VARIABLE, str(first))
    assert str(first) not in install_wrapper(tmp_path).read_text().splitlines()[-1]


def test_an_operators_own_haproxy_is_wrapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv(VARIABLE, str(own))
    assert install_wrapper(tmp_path / "data").read_text().splitlines()[-1] == f'exec {own} "$@"'
