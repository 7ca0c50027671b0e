"""The key store: what is on disk, who may do what, and what a damaged or foreign file does."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import access
from models.errors import BadInput

NOW_MS = 1_000_000


def keys(tmp_path: Path) -> access.FileAccess:
    return access.FileAccess(tmp_path)


def test_a_key_is_verified_and_only_its_hash_is_stored(tmp_path: Path) -> None:
    key = access.create(keys(tmp_path), "till", ["events:write", "decide:pos"], now_ms=NOW_MS)
    record = access.load(keys(tmp_path)).verify(key.encode(), NOW_MS)
    assert record is not None
    assert record.name == "till"
    assert key not in (tmp_path / access.KEYS_FILE).read_text()


def test_the_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    access.create(keys(tmp_path), "till", ["events:write"], now_ms=NOW_MS)
    access.ensure_admin_key(keys(tmp_path), tmp_path, now_ms=NOW_MS)
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in (access.KEYS_FILE, access.ADMIN_KEY_FILE)}
    assert modes == {0o600}


def test_a_revoked_key_is_refused_and_its_name_is_free_again(tmp_path: Path) -> None:
    key = access.create(keys(tmp_path), "till", ["events:write"], now_ms=NOW_MS)
    access.revoke(keys(tmp_path), "till", now_ms=NOW_MS)
    assert access.load(keys(tmp_path)).verify(key.encode(), NOW_MS) is None
    again = access.create(keys(tmp_path), "till", ["events:write"], now_ms=NOW_MS)
    assert access.load(keys(tmp_path)).verify(again.encode(), NOW_MS) is not None


def test_a_key_ends_at_the_instant_of_its_expiry(tmp_path: Path) -> None:
    key = access.create(keys(tmp_path), "till", ["events:write"], now_ms=NOW_MS, expires_ms=NOW_MS + 10)
    ring = access.load(keys(tmp_path))
    assert ring.verify(key.encode(), NOW_MS + 9) is not None
    assert ring.verify(key.encode(), NOW_MS + 10) is None


@pytest.mark.parametrize("scopes", [[], ["everything"], ["decide:"], ["events:write", "event:write"]])
def test_an_unknown_scope_is_refused_with_the_known_ones(tmp_path: Path, scopes: list[str]) -> None:
    with pytest.raises(BadInput, match="known: events:write"):
        access.create(keys(tmp_path), "till", scopes, now_ms=NOW_MS)
    assert access.FileAccess(tmp_path).records() == []


def test_two_live_keys_of_one_name_are_refused(tmp_path: Path) -> None:
    access.create(keys(tmp_path), "till", ["events:write"], now_ms=NOW_MS)
    with pytest.raises(BadInput, match="kairos key rotate"):
        access.create(keys(tmp_path), "till", ["events:write"], now_ms=NOW_MS)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_is_no_rate_is_refused(tmp_path: Path, rate: float) -> None:
    with pytest.raises(BadInput, match="rate"):
        access.create(keys(tmp_path), "till", ["events:write"], now_ms=NOW_MS, rate=rate)


def test_scopes_allow_themselves_and_what_their_wildcard_covers(tmp_path: Path) -> None:
    def allows(scopes: list[str], wanted: str) -> bool:
        return access.KeyRecord("k", "", tuple(scopes), 0).allows(wanted)

    assert allows(["decide:web"], "decide:web")
    assert not allows(["decide:web"], "decide:app")
    assert allows(["decide:*"], "decide:app")
    assert not allows(["decide:*"], "events:write")
    assert allows(["*"], "profiles:erase")


def test_the_admin_key_is_written_once(tmp_path: Path) -> None:
    access.ensure_admin_key(keys(tmp_path), tmp_path, now_ms=NOW_MS)
    key = access.read_admin_key(tmp_path)
    access.ensure_admin_key(keys(tmp_path), tmp_path, now_ms=NOW_MS)
    assert access.read_admin_key(tmp_path) == key
    record = access.load(keys(tmp_path)).verify(key.encode(), NOW_MS)
    assert record is not None
    assert record.scopes == ("*",)


def test_a_lost_admin_file_gives_a_new_key_and_ends_the_old_one(tmp_path: Path) -> None:
    access.ensure_admin_key(keys(tmp_path), tmp_path, now_ms=NOW_MS)
    lost = access.read_admin_key(tmp_path)
    (tmp_path / access.ADMIN_KEY_FILE).unlink()
    access.ensure_admin_key(keys(tmp_path), tmp_path, now_ms=NOW_MS)
    ring = access.load(keys(tmp_path))
    assert ring.verify(lost.encode(), NOW_MS) is None
    assert ring.verify(access.read_admin_key(tmp_path).encode(), NOW_MS) is not None


def test_a_directory_without_keys_says_what_to_do(tmp_path: Path) -> None:
    assert access.FileAccess(tmp_path / "nowhere").records() == []
    with pytest.raises(BadInput, match="kairos up"):
        access.read_admin_key(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"keys": [{"name": "x"}]}', '{"keys": 3}'])
def test_a_damaged_file_is_an_error_with_its_path(tmp_path: Path, content: str) -> None:
    (tmp_path / access.KEYS_FILE).write_text(content)
    with pytest.raises(BadInput, match=r"keys\.json is damaged"):
        access.FileAccess(tmp_path).records()


def test_nothing_is_left_behind_but_the_files_themselves(tmp_path: Path) -> None:
    for name in ("a", "b"):
        access.create(keys(tmp_path), name, ["events:write"], now_ms=NOW_MS)
    assert sorted(path.name for path in tmp_path.iterdir()) == [access.KEYS_FILE, "keys.lock"]
    assert [entry["name"] for entry in json.loads((tmp_path / access.KEYS_FILE).read_bytes())["keys"]] == ["a", "b"]


@given(st.binary(max_size=100))
def test_no_guess_is_a_key(guess: bytes) -> None:
    ring = access.KeyRing({b"\0" * 32: access.KeyRecord("k", "00" * 32, ("*",), 0)})
    assert ring.verify(guess, NOW_MS) is None
