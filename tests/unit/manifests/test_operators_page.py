"""What the operator's page tells to type exists."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import typer.main
from unit.manifests.reading import ROOT

from cluster.cli import app
from cluster.settings import Settings

PAGE = (ROOT / "cluster" / "OPERATIONS.md").read_text()
#: In code alone: in a sentence "kairos" may be followed by anything.
CODE = [*re.findall(r"`([^`\n]+)`", PAGE), *re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)]
COMMANDS = sorted({
    found.strip() for code in CODE for found in re.findall(r"(?<![\w/.-])kairos (?!\[)[a-z][^\n#`)&;|]*", code)
})
#: ``kairos`` in these is a namespace or a user's name.
OTHERS = ("kairos create", "kairos get", "kairos exec", "kairos port-forward")


def options(command: Any) -> set[str]:
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize("line", [line for line in COMMANDS if not line.startswith(OTHERS)])
def test_every_command_of_the_page_exists_with_its_options(line: str) -> None:
    words = shlex.split(line.rstrip('"'))[1:]
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    assert command.name != "kairos", f"{line}: there is no such command"
    if words and not hasattr(command, "commands"):
        given = {word for word in words if word.startswith("--")}
        assert given <= options(command), line


def test_the_page_has_commands_to_check() -> None:
    assert {"kairos doctor", "kairos status --watch", "kairos master-key show"} <= set(COMMANDS)


def test_every_setting_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`([a-z_]+): [^`]+`", PAGE))
    assert named >= {"traces", "trace_ratio", "log_level", "scorer"}
    assert named - set(Settings.model_fields) - {"kairos/callers"} == set()
    for name in ("retention_ms", "resident_bytes", "gateways", "shards"):
        assert f"`{name}`" in PAGE
        assert name in Settings.model_fields


def test_every_file_that_the_page_points_at_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", PAGE):
        assert (ROOT / "cluster" / target).exists(), target


def test_every_metric_that_the_page_names_is_one() -> None:
    from actors.metrics.of_console import CONSOLE
    from actors.metrics.of_coordinator import COORDINATOR
    from actors.metrics.of_gateway import GATEWAY, SEEN
    from actors.metrics.of_insight import INSIGHT
    from actors.metrics.of_shard import SHARD

    tables = (CONSOLE, COORDINATOR, GATEWAY, INSIGHT, SEEN, SHARD)
    known = {name for families in tables for family in families.values() for name in family.exposed}
    assert set(re.findall(r"\bkairos_[a-z_]+", PAGE)) <= known
