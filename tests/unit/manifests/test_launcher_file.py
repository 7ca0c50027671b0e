"""``ray-cluster.yaml`` is what Ray's launcher takes, and its commands start Ray as ``kairos node-env`` says."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from unit.manifests.reading import ROOT, documents

from cluster.ray_environment import node_variables
from cluster.settings import load_settings

FILE = ROOT / "ray-cluster.yaml"
STARTS = ("head_start_ray_commands", "worker_start_ray_commands")


class Started:
    """What the stand-ins for ``ray start`` and ``kairos up`` were called with: environment and arguments of each."""

    def __init__(self, commands: list[str], home: Path) -> None:
        self.home = home
        self.called = _run(commands, home)


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    (found,) = documents(FILE)
    return found


def test_ray_accepts_it_by_its_own_schema(config: dict[str, Any]) -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    validate_config(prepare_config(dict(config)))


def test_ray_would_refuse_a_misspelt_one(config: dict[str, Any]) -> None:
    from jsonschema import ValidationError
    from ray.autoscaler._private.util import prepare_config, validate_config

    with pytest.raises(ValidationError):
        validate_config(prepare_config({**config, "head_start_commands": []}))


@pytest.fixture(scope="module")
def nodes(config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Started]:
    """The start commands of head and worker, each run once in a home of its own."""
    return {which: Started(config[which], tmp_path_factory.mktemp(which)) for which in STARTS}


@pytest.mark.parametrize("which", STARTS)
def test_every_node_starts_ray_with_all_variables_and_each_secret_by_its_file(
    nodes: dict[str, Started], which: str,
) -> None:
    home = nodes[which].home
    wanted = node_variables(home / "kairos" / "data")
    environment, arguments = nodes[which].called["ray"]
    assert {name: environment.get(name) for name in wanted} == wanted
    assert environment["PGPASSFILE"] == str(home / "kairos/secrets/pgpass")
    assert environment["KAIROS_MASTER_KEY_FILE"] == str(home / "kairos/secrets/master.key")
    assert arguments[0] == "start"
    assert ("--head" in arguments) is which.startswith("head")
    assert Path(environment["RAY_SERVE_HAPROXY_BINARY_PATH"]).exists(), "the wrapper is installed on the node"


def test_the_head_brings_kairos_up_with_settings_that_it_takes_and_no_password(
    nodes: dict[str, Started], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    head = nodes["head_start_ray_commands"]
    environment, arguments = head.called["up"]
    assert arguments[0] == "up"
    assert environment["PGPASSFILE"] == str(head.home / "kairos/secrets/pgpass")
    flags = [one for one in arguments[1:] if one != "--detach"]
    given = {flags[at].removeprefix("--"): flags[at + 1] for at in range(0, len(flags), 2)}
    monkeypatch.setenv("KAIROS_DATA_DIR", str(tmp_path))
    settings = load_settings(**given)
    assert settings.address is not None
    assert settings.address.endswith(":6379")
    assert settings.store.startswith("postgresql://")


def test_what_runs_comes_from_the_locks(config: dict[str, Any]) -> None:
    pip = [command for command in config["setup_commands"] if "pip install" in command]
    assert pip
    for command in pip:
        assert "--require-hashes" in command or "--no-deps" in command, command
    mounted = config["file_mounts"]
    assert mounted["~/.ray/auth_token"] == "~/.ray/auth_token"
    assert ".git" in config["rsync_exclude"]


def _run(commands: list[str], home: Path) -> dict[str, tuple[dict[str, str], list[str]]]:
    """The commands as the launcher's shell runs them, with stand-ins that write down how they were called."""
    told = home / "told"
    (home / "kairos/venv/bin").mkdir(parents=True)
    (home / "kairos/venv/bin/activate").write_text(f"export PATH={home}/kairos/venv/bin:$PATH\n")
    note = f'{{ printf "%s\\0" "$@"; printf "\\n"; env -0; }} > {told}.'
    _script(home / "kairos/venv/bin/ray", f'case "$1" in start) {note}ray ;; esac')
    real = f'PYTHONPATH={shlex.quote(str(ROOT))} {sys.executable} -c "from cluster.cli import main; main()" "$@"'
    _script(home / "kairos/venv/bin/kairos", f'case "$1" in up) {note}up ;; *) {real} ;; esac')
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "RAY_HEAD_IP": "10.0.0.1"}
    for command in commands:
        subprocess.run(["bash", "-c", command], env=environment, check=True, cwd=home)
    found = {}
    for name in ("ray", "up"):
        path = Path(f"{told}.{name}")
        if path.exists():
            arguments, _, variables = path.read_text().partition("\n")
            pairs = (one.partition("=") for one in variables.split("\0") if one)
            found[name] = ({key: value for key, _, value in pairs}, arguments.split("\0")[:-1])
    return found


def _script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
