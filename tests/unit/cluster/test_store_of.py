"""Which store a command works on: what it is told, what the data directory remembers, and when the two disagree."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from support.postgres import PostgresServer
from support.postgres import without_password as bare
from support.stores import installed

from actors.stores.master_key import VARIABLE
from cluster.settings import Settings, load_settings
from cluster.store_of import install, plain_store, store_of
from models.errors import BadInput, KairosError, MasterKeyFailed

URL = "postgresql://kairos@db.invalid/shop"


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("PGPASSWORD", "KAIROS_STORE", VARIABLE):
        monkeypatch.delenv(name, raising=False)


def settings(place: Path, **given: Any) -> Settings:
    return load_settings(data_dir=place, **given)


def remembers(place: Path, store: str = URL, installation: str = "abc") -> Path:
    place.mkdir(exist_ok=True)
    (place / "store.json").write_text(json.dumps({"store": store, "installation": installation}))
    return place


def test_a_new_place_has_the_default_or_what_is_asked_for(tmp_path: Path) -> None:
    assert plain_store(settings(tmp_path / "new"))["store"] == "sqlite"
    assert plain_store(settings(tmp_path / "new", store=URL))["store"] == URL


def test_a_place_remembers_where_it_belongs(tmp_path: Path) -> None:
    assert plain_store(settings(remembers(tmp_path / "pg")))["store"] == URL
    installed(tmp_path / "lite")
    assert plain_store(settings(tmp_path / "lite"))["store"] == "sqlite"


def test_a_place_of_one_kind_is_refused_to_the_other(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=f"began with the store {URL}.*another --data-dir"):
        store_of(settings(remembers(tmp_path / "pg"), store="sqlite"))
    installed(tmp_path / "lite")
    with pytest.raises(BadInput, match="began with the store sqlite"):
        store_of(settings(tmp_path / "lite", store=URL))


def test_a_database_may_have_moved_to_another_address(tmp_path: Path) -> None:
    moved = "postgresql://kairos@elsewhere.invalid/shop"
    assert plain_store(settings(remembers(tmp_path / "pg"), store=moved))["store"] == moved


def test_a_damaged_note_says_what_to_do(tmp_path: Path) -> None:
    remembers(tmp_path / "pg").joinpath("store.json").write_text("{")
    with pytest.raises(KairosError, match="remove it and name the store"):
        plain_store(settings(tmp_path / "pg"))


def test_a_password_goes_to_the_environment_and_stands_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in ("postgresql://kairos:hush@db/shop", "postgresql://kairos@db/shop?password=hush"):
        monkeypatch.setenv("PGPASSWORD", "")
        got = settings(tmp_path, store=url)
        assert os.environ["PGPASSWORD"] == "hush"
        assert "hush" not in f"{got!r} {plain_store(got)}"


def test_a_password_in_the_address_is_refused_on_a_cluster(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="PGPASSFILE, in the environment of `ray start`") as raised:
        settings(tmp_path, store="postgresql://kairos:hush@db/shop", address="ray:6379")
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("store", ["redis", "postgresql://db", "mysql://db/shop", "postgresql:///shop"])
def test_what_is_no_store_is_refused(tmp_path: Path, store: str) -> None:
    with pytest.raises(BadInput, match="say sqlite, or an address"):
        settings(tmp_path, store=store)


def test_a_cluster_makes_no_master_key_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyFailed, match=f"{VARIABLE}.*the same on every node, before `ray start`"):
        install(settings(tmp_path / "pg", store=URL, address="ray:6379"))
    assert not (tmp_path / "pg").exists()


def test_an_install_is_remembered_and_another_installation_refused(postgres: PostgresServer, tmp_path: Path) -> None:
    one, two = postgres.fresh_database(), postgres.fresh_database()
    made = install(settings(tmp_path / "pg", store=one, shards=2))
    assert (made.store, made.shards) == ("postgresql", 2)
    assert plain_store(settings(tmp_path / "pg"))["store"] == bare(one)
    assert install(settings(tmp_path / "pg")) == made
    with pytest.raises(BadInput, match=f"belongs to the installation {made.name}.*holds no installation"):
        install(settings(tmp_path / "pg", store=two))
    install(settings(tmp_path / "other", store=two))
    with pytest.raises(BadInput, match=f"belongs to the installation {made.name}.*holds the installation"):
        install(settings(tmp_path / "pg", store=two))
    assert {path.name for path in (tmp_path / "pg").iterdir()} == {"master.key", "store.json"}
