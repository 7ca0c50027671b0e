"""URL and key from arguments, from a file, from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cluster.client import AsyncKairos, Kairos
from models.errors import BadInput

CLIENTS = pytest.mark.parametrize("client", [Kairos, AsyncKairos])


@CLIENTS
def test_the_environment_names_server_and_key(client: Any) -> None:
    kairos = client.from_env(environ={"KAIROS_URL": "https://kairos.example/", "KAIROS_KEY": "k1"})
    assert kairos.url == "https://kairos.example"
    assert kairos._to.authorization == "Bearer k1"


@CLIENTS
def test_a_key_file_is_read_and_stripped(client: Any, tmp_path: Path) -> None:
    path = tmp_path / "admin.key"
    path.write_text("k2\n")
    by_name = client.from_env(environ={"KAIROS_URL": "http://kairos", "KAIROS_KEY_FILE": str(path)})
    assert by_name._to == client("http://kairos", key_file=path)._to
    assert by_name._to.authorization == "Bearer k2"


@pytest.mark.parametrize(("environ", "missing"), [
    ({}, "KAIROS_URL"), ({"KAIROS_KEY": "k"}, "KAIROS_URL"), ({"KAIROS_URL": "http://kairos"}, "KAIROS_KEY"),
    ({"KAIROS_URL": "http://kairos", "KAIROS_KEY_FILE": "/nowhere"}, "cannot read the key file /nowhere"),
])
def test_what_is_missing_is_named(environ: dict[str, str], missing: str) -> None:
    with pytest.raises(BadInput, match=missing):
        Kairos.from_env(environ=environ)


@pytest.mark.parametrize("arguments", [{}, {"key": "k", "key_file": "f"}])
def test_exactly_one_source_of_the_key_is_wanted(arguments: Any) -> None:
    with pytest.raises(BadInput, match="either key or key_file"):
        Kairos("http://kairos", **arguments)


def test_a_shorter_patience_shares_connections_and_counts() -> None:
    kairos = Kairos("http://kairos", "k", timeout_s=30)
    brief = kairos.within(0.2)
    assert (brief._manner.timeout_s, kairos._manner.timeout_s) == (0.2, 30)
    assert brief._transport is kairos._transport
    assert brief.counts is kairos.counts
