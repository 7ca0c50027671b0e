"""Every load scenario against the shared installation, for a few seconds each: it must run, and judge what it saw."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.server import Server, free_port

from loadtests.locust_run.command import Wanted, locust_command, worker_command

ROOT = Path(__file__).resolve().parents[2]
#: These disturb nobody, so they run at once.
FLASH_SALE = "flash_sale"
TOGETHER = ("contention", "flash_sale", "ingest", "soak")
POOL_UNITS = 3


class Load:
    """One scenario under way."""

    def __init__(self, server: Server, folder: Path, scenario: str, **more: Any) -> None:
        self._verdict = folder / f"{scenario}.json"
        wanted = Wanted(
            locustfile=ROOT / "loadtests" / "scenarios" / f"{scenario}.py", url=server.url, users=4, rate=0.0,
            arrivals="poisson", seconds=2.0, page=False, stream=False, workers=0, json=self._verdict, customers=12,
            think=0.02, caps=(), errors_max=0.0, data_dir=server.data_dir, may_kill=False,
        )
        wanted, port = replace(wanted, **more), free_port()
        self._environment = {**os.environ, "KAIROS_KEY": f"@{server.data_dir / 'admin.key'}"}
        self._leader = self._start(locust_command(wanted, port))
        self._workers = [self._start(worker_command(wanted, port)) for _ in range(wanted.workers)]

    def _start(self, command: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command, cwd=ROOT, env=self._environment, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def verdict(self) -> dict[str, Any]:
        """Wait for its end; what it found, or what it said."""
        try:
            said = [one.communicate(timeout=180)[0] for one in (self._leader, *self._workers)]
        finally:
            for one in (self._leader, *self._workers):
                one.kill()
        assert self._verdict.exists(), said
        body: dict[str, Any] = json.loads(self._verdict.read_text())
        assert self._leader.returncode == (0 if body["passed"] else 1), said
        return body


def failed(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [check for check in body["checks"] if check["passed"] is False]


def test_two_workers_share_a_rate_and_merge_into_one_verdict(server: Server, tmp_path: Path) -> None:
    body = Load(server, tmp_path, "browse", workers=2, rate=30.0, users=30).verdict()
    assert failed(body) == []
    assert len(body["generators"]) == 2
    assert body["loop"]["due"] == body["loop"]["sent"] == sum(one["count"] for one in body["calls"].values())
    assert body["exactness"]["customers"] == 12, "each worker has half of them, under ids of its own"
    assert body["exactness"]["acknowledged"]["decision"] == body["degraded"]["decisions"] > 0
    assert body["server"]["cpu_s"]["shards"] > 0


@pytest.fixture(scope="module")
def together(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("load")
    pool = next(one for one in server.get("/v1/budgets")["budgets"] if one["id"] == "coupon_pool")
    more: dict[str, dict[str, Any]] = {FLASH_SALE: {"caps": (f"coupon_pool={POOL_UNITS}",)}, "soak": {"stream": True}}
    # The flash sale cuts a cap, and what was granted before may still be used: the others must not meet it.
    verdicts = {FLASH_SALE: Load(server, folder, FLASH_SALE, **more[FLASH_SALE]).verdict()}
    running = {name: Load(server, folder, name, **more.get(name, {})) for name in TOGETHER if name != FLASH_SALE}
    yield verdicts | {name: load.verdict() for name, load in running.items()}
    again = next(one for one in server.get("/v1/budgets")["budgets"] if one["id"] == "coupon_pool")
    assert again["cap"] == pool["cap"], "the flash sale gives a budget its cap back"


@pytest.mark.parametrize("scenario", TOGETHER)
def test_a_scenario_keeps_its_promises(together: dict[str, dict[str, Any]], scenario: str) -> None:
    body = together[scenario]
    assert failed(body) == []
    assert body["exactness"]["customers"] > 0
    kinds = {"ingest": {"event"}, "contention": {"decision", "outcome"}, "flash_sale": {"decision", "outcome"}}
    seen = {kind for kind, count in body["exactness"]["acknowledged"].items() if count}
    assert seen >= kinds.get(scenario, {"event", "decision", "outcome"})


def test_the_flash_sale_ran_dry(together: dict[str, dict[str, Any]]) -> None:
    assert together["flash_sale"]["dry"] == ["coupon_pool"]


def test_the_ceiling_of_one_customer_is_stated(together: dict[str, dict[str, Any]]) -> None:
    ceiling = together["contention"]["ceiling"]
    assert ceiling["callers_1"]["decisions_per_s"] > 0 < ceiling["callers_16"]["decisions_per_s"]


def test_a_soak_too_short_to_judge_says_so(together: dict[str, dict[str, Any]]) -> None:
    notes = [check["said"] for check in together["soak"]["checks"] if check["passed"] is None]
    assert sum("too short" in said for said in notes) == 2
    assert together["soak"]["transport"] == "stream"


def test_decisions_go_on_degraded_while_the_scorer_is_killed(server: Server, tmp_path: Path) -> None:
    body = Load(server, tmp_path, "scorer_down", seconds=4.5, may_kill=True).verdict()
    assert failed(body) == []
    assert {one["what"] for one in body["kills"]} == {"scorer"}
    assert body["degraded"]["degraded"] > 0


def test_nothing_is_lost_while_everything_is_killed_in_turn(server: Server, tmp_path: Path) -> None:
    body = Load(server, tmp_path, "chaos", seconds=6.0, may_kill=True).verdict()
    assert failed(body) == []
    assert {one["what"] for one in body["kills"]} == {"shard", "coordinator", "scorer", "gateway"}
