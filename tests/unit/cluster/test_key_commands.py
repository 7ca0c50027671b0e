"""Keys and refusals on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from actors import access
from actors.access.denials.file_denials import FileDenials
from actors.access.denials.log import DenialLog
from cluster.cli import app
from models.errors import BadInput


class Command:
    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def __call__(self, *arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, [*arguments, "--data-dir", str(self.data_dir)])
        if isinstance(done.exception, BadInput):
            raise done.exception
        assert done.exit_code == status, done.output
        return done.output.strip()

    def listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self("key", "list", "--json"))
        return found


@pytest.fixture
def kairos(tmp_path: Path) -> Command:
    return Command(tmp_path)


def verified(kairos: Command, text: str) -> bool:
    return access.load(access.FileAccess(kairos.data_dir)).verify(text.encode(), 2**41) is not None


def test_a_key_is_created_listed_rotated_and_revoked(kairos: Command) -> None:
    first = kairos("key", "create", "--name", "till", "--scope", "events:write", "--tenant", "acme", "--rate", "5")
    second = kairos("key", "rotate", "till", "--overlap", "30m")
    assert verified(kairos, second)
    old, new = kairos.listed()
    assert (old["ends_in"], new["ends_in"]) == (first[-4:], second[-4:])
    assert (old["tenant"], new["tenant"], new["rate"], old["expires"] is None, new["expires"]) == (
        "acme", "acme", 5.0, False, None,
    )
    for text in (first, second):
        assert text not in kairos("key", "list", "--json") + kairos("key", "list")
    assert kairos("key", "revoke", "till", "--id", new["id"]).startswith(f"revoked till ({new['id']}")
    assert [one["state"] for one in kairos.listed()] == ["live", "revoked"]
    kairos("key", "revoke", "till")
    assert not verified(kairos, second)


@pytest.mark.parametrize(("arguments", "said"), [
    (("rotate", "nobody"), "no live key"), (("revoke", "nobody"), "no live key"),
    (("rotate", "till", "--overlap", "soon"), "as in 24h"), (("rotate", "till", "--overlap", "91d"), "0 to 90 days"),
    (("create", "--name", "x", "--scope", "events:wriet"), "unknown scope"),
    (("create", "--name", "x", "--scope", "*", "--tenant", "A B"), "tenant's name"),
    (("create", "--name", "oidc:x", "--scope", "*"), "never begins with"),
    (("create", "--name", "x", "--scope", "*", "--rate", "0"), "a rate is"),
])
def test_what_is_wrong_is_said_with_the_remedy(kairos: Command, arguments: tuple[str, ...], said: str) -> None:
    kairos("key", "create", "--name", "till", "--scope", "events:write")
    with pytest.raises(BadInput, match=said):
        kairos("key", *arguments)
    assert [one["name"] for one in kairos.listed()] == ["till"]


def test_refusals_are_shown_and_verified(kairos: Command) -> None:
    assert kairos("denials", "--verify") == "0 chains, 0 entries"
    log = DenialLog(FileDenials(kairos.data_dir), "0000000000001-aa")
    for call in ("events", "decisions"):
        log.note(403, call, "till", "main", "events:write", "10.0.0.7")
    log.flush()
    assert [one["call"] for one in json.loads(kairos("denials", "--json"))] == ["events", "decisions"]
    assert "2 entries, whole" in kairos("denials", "--verify")
    path = kairos.data_dir / "audit" / "0000000000001-aa.jsonl"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    said = kairos("denials", "--verify", status=1)
    assert "NOT WHOLE: it ends at entry 1, and had 2: the last 1 were cut off" in said
    assert json.loads(kairos("denials", "--verify", "--json", status=1))[0]["fault"]
