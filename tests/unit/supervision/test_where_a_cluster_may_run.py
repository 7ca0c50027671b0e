"""What is refused before anything starts on a cluster, and what its nodes must find in their environment."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cluster import ray_environment
from cluster.cli import app
from cluster.preflight import Finding
from cluster.settings import load_settings
from cluster.supervision.head import check_address, wait_for_head
from cluster.supervision.inspection import needed
from cluster.supervision.nodes import LiveNode, refuse_loopback_on_many_machines, refuse_many_nodes_on_sqlite
from models.errors import BadInput, KairosError

NODES = [LiveNode(name * 56, name, "10.0.0.1", name == "a", 1.0, False, 0) for name in "ab"]


def test_sqlite_on_more_than_one_node_is_refused_with_the_reason_and_the_remedy() -> None:
    with pytest.raises(KairosError, match=r"2 nodes.*files of one of them.*postgresql://"):
        refuse_many_nodes_on_sqlite(False, NODES)
    refuse_many_nodes_on_sqlite(False, NODES[:1])
    refuse_many_nodes_on_sqlite(True, NODES)


def test_a_loopback_address_on_several_machines_is_refused_with_the_remedy() -> None:
    refuse_loopback_on_many_machines("127.0.0.1", NODES)  # two nodes of one machine
    elsewhere = [NODES[0], dataclasses.replace(NODES[1], address="10.0.0.2")]
    refuse_loopback_on_many_machines("0.0.0.0", elsewhere)
    with pytest.raises(KairosError, match=r"2 machines.*--host 0\.0\.0\.0"):
        refuse_loopback_on_many_machines("127.0.0.1", elsewhere)


def test_a_node_without_processors_takes_no_shards() -> None:
    assert NODES[0].to_place().capacity == 1
    assert LiveNode("c", "c", "10.0.0.1", True, 0.0, False, 0).to_place().capacity == 0


@pytest.mark.parametrize("address", ["auto", "ray://head:10001", "head", "head:", ":6379"])
def test_an_address_that_is_no_host_and_port_is_refused(address: str) -> None:
    with pytest.raises(BadInput, match="HOST:PORT"):
        check_address(address)


def test_a_password_in_the_stores_url_is_refused_on_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    with pytest.raises(BadInput, match="PGPASSFILE") as refused:
        load_settings(store="postgresql://kairos:s3cret@db/kairos", address="head:6379")
    assert "s3cret" not in str(refused.value)
    assert "PGPASSWORD" not in os.environ


def test_a_password_in_the_stores_url_goes_into_the_environment_of_what_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGPASSWORD", "another")
    settings = load_settings(store="postgresql://kairos:s3cr%40t@db:5433/kairos?sslmode=require")
    assert settings.store == "postgresql://kairos@db:5433/kairos?sslmode=require"
    assert os.environ["PGPASSWORD"] == "s3cr@t"


def test_a_store_that_is_neither_is_refused_without_repeating_what_was_said() -> None:
    with pytest.raises(BadInput, match="say sqlite, or") as refused:
        load_settings(store="mysql://kairos:s3cret@db/kairos")
    assert "s3cret" not in str(refused.value)


def test_node_env_prints_every_variable_and_installs_the_wrapper_that_it_names(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["node-env", "--data-dir", str(tmp_path)])
    assert done.exit_code == 0, done.output
    exported = dict(line.removeprefix("export ").split("=", 1) for line in done.output.splitlines())
    assert exported == {
        name: exported[name] for name in ray_environment.node_variables(tmp_path)
    }
    assert exported["RAY_AUTH_MODE"] == "token"
    assert os.access(exported["RAY_SERVE_HAPROXY_BINARY_PATH"], os.X_OK)


def test_node_env_prints_a_manifests_list_of_variables(tmp_path: Path) -> None:
    from ruamel.yaml import YAML

    done = CliRunner().invoke(app, ["node-env", "--data-dir", str(tmp_path), "--format", "yaml"])
    listed = YAML(typ="safe").load(done.output)
    assert {one["name"]: one["value"] for one in listed} == ray_environment.node_variables(tmp_path)
    assert all(isinstance(one["value"], str) for one in listed)


def test_a_node_that_differs_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in ray_environment.node_variables(tmp_path).items():
        monkeypatch.setenv(name, value)
    assert ray_environment.differing() == {}
    monkeypatch.setenv("RAY_SERVE_HAPROXY_STATS_PORT", "18404")  # a node's own affair
    monkeypatch.setenv("RAY_health_check_period_ms", "3000")
    monkeypatch.delenv("RAY_AUTH_MODE")
    assert ray_environment.differing() == {
        "RAY_AUTH_MODE": (None, "token"), "RAY_health_check_period_ms": ("3000", "500"),
    }


def test_a_lost_node_is_noticed_within_about_five_seconds() -> None:
    wanted = {name: int(value) for name, value in ray_environment.CLUSTER_VARIABLES.items() if value.isdecimal()}
    period, timeout = wanted["RAY_health_check_period_ms"], wanted["RAY_health_check_timeout_ms"]
    assert wanted["RAY_health_check_failure_threshold"] * (period + timeout) + period <= 5_000


@pytest.mark.parametrize(
    ("check", "is_needed"),
    [("store", True), ("haproxy", True), ("answers", True), ("RAY_AUTH_MODE", True),
     ("RAY_health_check_period_ms", False), ("package models", True)],
)
def test_what_a_node_must_have_is_told_from_what_it_should(check: str, is_needed: bool) -> None:
    assert needed(Finding(check, False, "")) is is_needed


def test_waiting_for_a_head_can_be_ended_and_says_where_it_waits() -> None:
    said: list[str] = []
    with pytest.raises(KairosError, match=r"127\.0\.0\.1:9"):
        wait_for_head("127.0.0.1:9", said.append, ended=lambda: bool(said))
    assert said == ["waiting for the Ray head at 127.0.0.1:9 (0 s)"]
