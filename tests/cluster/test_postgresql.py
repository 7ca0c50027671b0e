"""An installation whose store is PostgreSQL: no customer lies on the node, and any kill leaves what was answered."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.postgres import PostgresServer, without_password
from support.server import Server, eventually, fresh, kairos

CUSTOMERS = 12


def run(*arguments: str) -> str:
    done = subprocess.run([*kairos(), *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def audited(data_dir: Path) -> dict[str, Any]:
    found = json.loads(run("audit", "--all", "--data-dir", str(data_dir), "--json"))
    assert found["different"] == []
    return dict(found)


def test_decisions_outlive_a_kill_a_rotation_and_a_restart(
    tmp_path: Path, starting: Callable[..., Server], postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, place = postgres.fresh_database(), tmp_path / "data"
    monkeypatch.setenv("PGPASSWORD", postgres.password)
    live = starting(place, "--store", without_password(url), "--shards", "2")
    customers = [fresh("c") for _ in range(CUSTOMERS)]

    def ask(name: str) -> list[Any]:
        return [
            live.retried("/v1/decisions", {
                "request_id": f"{name}-{customer}", "customer_id": customer, "channel": "app",
                "placements": [{"id": "app_card", "count": 1}],
            })
            for customer in customers
        ]

    first = ask("first")
    live.kill("ray::ProfileShard")
    assert ask("first") == first
    rotated = json.loads(run("master-key", "rotate", "--data-dir", str(place), "--json"))
    assert rotated["rewrapped"] == 3  # the secret, and the month's key of each shard
    assert live.client.delete(f"/v1/customers/{customers[0]}").status_code == 200
    eventually("the shards serve", lambda: live.client.get("/readyz").status_code == 200)
    second = ask("second")
    assert audited(place)["same"] == 2 * CUSTOMERS - 1

    live.close()
    run("down", "--data-dir", str(place))
    (place / "master.key").write_bytes((place / "master.key").read_bytes().splitlines(keepends=True)[0])
    assert audited(place)["same"] == 2 * CUSTOMERS - 1
    assert not {"shards", "coordinator", "installation.json", "customer.secret"} & set(os.listdir(place))
    live = starting(place)
    customers, first = customers[1:], first[1:]
    assert ask("first") == first
    assert ask("second") == second[1:]
    secrets = [postgres.password.encode(), *map(base64.b64decode, (place / "master.key").read_bytes().split())]
    for path in place.rglob("*"):
        if path.is_file() and path.name != "master.key":
            assert not any(secret in path.read_bytes() for secret in secrets), path
