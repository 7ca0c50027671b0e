"""What the settings say of the console: whether it is there, and where it finds the API."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors import naming
from cluster.console.where import api_url
from cluster.serving import wanted_applications
from cluster.settings import Settings, load_settings

ALL = [naming.GATEWAY_APP, naming.SCORER_APP, naming.CONSOLE_APP]


@pytest.mark.parametrize(("given", "wanted"), [
    ({}, ALL), ({"console": False}, ALL[:2]), ({"scorer": "in_process"}, [ALL[0], ALL[2]]),
])
def test_the_console_is_there_unless_it_is_off(given: dict[str, object], wanted: list[str]) -> None:
    assert wanted_applications(Settings(**given)) == wanted  # type: ignore[arg-type]


@pytest.mark.parametrize(("variable", "expected"), [("false", False), ("true", True), ("0", False)])
def test_a_variable_turns_it_off(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, expected: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KAIROS_CONSOLE", variable)
    assert load_settings().console is expected


@pytest.mark.parametrize(("given", "url"), [
    ({}, "http://127.0.0.1:8000"),
    ({"host": "0.0.0.0", "port": 9000}, "http://127.0.0.1:9000"),
    ({"host": "10.0.0.7"}, "http://10.0.0.7:8000"),
    ({"host": "0.0.0.0", "address": "10.0.0.1:6379"}, "http://127.0.0.1:8000"),
    ({"host": "0.0.0.0", "address": "10.0.0.1:6379", "proxies": "head"}, "http://10.0.0.1:8000"),
    ({"host": "10.0.0.9", "address": "10.0.0.1:6379", "proxies": "head"}, "http://10.0.0.9:8000"),
])
def test_the_console_asks_the_proxy_that_is_nearest(given: dict[str, object], url: str) -> None:
    assert api_url(Settings(**given)) == url  # type: ignore[arg-type]
