"""Where the master key comes from, and what is said when it is not fit."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from actors.durable_file import create_file
from actors.stores.master_key import FILE_VARIABLE, VARIABLE, MasterKeyPlace, key_id, wrapped_by
from models import limits
from models.errors import MasterKeyFailed

ONE, TWO = b"1" * 32, b"2" * 32


def text(*keys: bytes) -> str:
    return "\n".join(base64.b64encode(key).decode() for key in keys)


def in_file(path: Path, *keys: bytes, mode: int = 0o600) -> MasterKeyPlace:
    path.write_text(text(*keys))
    path.chmod(mode)
    return MasterKeyPlace(path.parent, {FILE_VARIABLE: str(path)})


def test_the_first_start_makes_one_that_only_its_owner_reads(tmp_path: Path) -> None:
    place = MasterKeyPlace(tmp_path, {})
    assert not place.is_there
    place.make()
    made = place.read()
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600
    place.make()
    assert MasterKeyPlace(tmp_path, {}).read().keys == made.keys


@pytest.mark.parametrize("environment", [{VARIABLE: text(ONE)}, {FILE_VARIABLE: "/nowhere/master.key"}])
def test_none_is_made_where_one_is_provided(tmp_path: Path, environment: dict[str, str]) -> None:
    place = MasterKeyPlace(tmp_path, environment)
    assert place.is_there
    place.make()
    assert list(tmp_path.iterdir()) == []


def test_the_environment_goes_before_a_named_file_and_that_before_the_folders_own(tmp_path: Path) -> None:
    MasterKeyPlace(tmp_path, {}).make()
    named = in_file(tmp_path / "named", TWO)
    assert named.read().newest == key_id(TWO)
    assert MasterKeyPlace(tmp_path, {VARIABLE: text(ONE)}).read().newest == key_id(ONE)


def test_both_variables_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyFailed, match="both set; unset one"):
        MasterKeyPlace(tmp_path, {VARIABLE: text(ONE), FILE_VARIABLE: "/a"}).read()


def test_the_newest_wraps_and_any_unwraps(tmp_path: Path) -> None:
    old = in_file(tmp_path / "key", ONE).read()
    both = in_file(tmp_path / "key", TWO, ONE).read()
    wrapped = old.wrap(b"secret", b"context")
    assert both.unwrap(wrapped, b"context", "it") == b"secret"
    assert wrapped_by(both.wrap(b"secret", b"context")) == key_id(TWO) != wrapped_by(wrapped)


def test_what_was_wrapped_with_a_key_that_is_not_here_names_it_and_the_place(tmp_path: Path) -> None:
    wrapped = in_file(tmp_path / "key", ONE).read().wrap(b"secret", b"context")
    other = in_file(tmp_path / "key", TWO).read()
    with pytest.raises(MasterKeyFailed) as raised:
        other.unwrap(wrapped, b"context", "the secret")
    said = str(raised.value)
    assert f"the secret was wrapped with master key {key_id(ONE)}, which is not in {tmp_path / 'key'}" in said
    assert key_id(TWO) in said


def test_it_opens_only_in_its_context_and_unharmed(tmp_path: Path) -> None:
    keys = in_file(tmp_path / "key", ONE).read()
    wrapped = keys.wrap(b"secret", b"context")
    for wrong, context in ((wrapped, b"other"), (wrapped[:-1] + b"\0", b"context"), (wrapped[:9], b"context")):
        with pytest.raises(MasterKeyFailed, match="damaged or was put elsewhere"):
            keys.unwrap(wrong, context, "it")


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o666, 0o602])
def test_a_file_that_everybody_reads_or_writes_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(MasterKeyFailed, match=r"every user .* chmod 600"):
        in_file(tmp_path / "key", ONE, mode=mode).read()


def test_a_file_of_a_group_is_taken_as_kubernetes_mounts_it(tmp_path: Path) -> None:
    assert in_file(tmp_path / "key", ONE, mode=0o440).read().newest == key_id(ONE)


@pytest.mark.parametrize(("content", "said"), [
    ("", "is empty"), (text(b"short"), "5 bytes, not 32"), (text(b"x" * 33), "33 bytes, not 32"),
    ("not base64!", "not base64"), ("\xff", "not base64"),
])
def test_what_is_no_key_is_refused_with_how_to_make_one(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "key"
    path.write_text(content, "latin-1")
    path.chmod(0o600)
    with pytest.raises(MasterKeyFailed, match=said):
        MasterKeyPlace(tmp_path, {FILE_VARIABLE: str(path)}).read()


def test_a_wrong_length_in_the_environment_names_the_variable_and_never_the_value(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyFailed, match=f"{VARIABLE} has 5 bytes") as raised:
        MasterKeyPlace(tmp_path, {VARIABLE: text(b"short")}).read()
    assert text(b"short") not in str(raised.value)


def test_a_missing_file_says_where_one_can_be_given(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyFailed, match=f"master.key is missing.*{VARIABLE}.*{FILE_VARIABLE}"):
        MasterKeyPlace(tmp_path, {}).read()


def test_a_place_that_is_no_file_is_an_error_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "master.key").mkdir(mode=0o700)
    with pytest.raises(MasterKeyFailed, match="cannot read"):
        MasterKeyPlace(tmp_path, {}).read()


def test_a_key_is_added_before_those_that_are_there(tmp_path: Path) -> None:
    place = in_file(tmp_path / "key", ONE)
    added = place.add()
    assert list(added.keys)[1:] == [key_id(ONE)]
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert place.read().keys == added.keys


def test_a_file_holds_only_so_many(tmp_path: Path) -> None:
    place = in_file(tmp_path / "key", *(bytes([n]) * 32 for n in range(limits.MASTER_KEYS_MAX)))
    with pytest.raises(MasterKeyFailed, match=r"remove those that .*master-key show"):
        place.add()


def test_none_is_added_to_the_environment(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyFailed, match="before the old one"):
        MasterKeyPlace(tmp_path, {VARIABLE: text(ONE)}).add()


def test_no_text_of_a_place_or_its_keys_shows_a_key(tmp_path: Path) -> None:
    place = MasterKeyPlace(tmp_path, {VARIABLE: text(ONE)})
    for shown in (repr(place.read()), repr(place), str(place.read())):
        assert text(ONE) not in shown
        assert repr(ONE) not in shown


def test_of_two_who_create_a_file_one_wins(tmp_path: Path) -> None:
    assert create_file(tmp_path / "file", b"first")
    assert not create_file(tmp_path / "file", b"second")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"first"]
