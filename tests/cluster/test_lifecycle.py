"""Starting, stopping and being killed, as an operator sees it."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest
from support.server import Server, eventually, fresh, kairos
from support.streams import open_stream
from websockets.exceptions import ConnectionClosed

from models.times import format_time


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*kairos(), *arguments], capture_output=True, text=True, check=False, timeout=240)


def test_up_survives_its_own_kill_and_down_drains(
    tmp_path: Path, starting: Callable[[Path], Server],
) -> None:
    data_dir = tmp_path / "data"
    first = starting(data_dir)
    customer = fresh("c")
    now = format_time(time.time_ns() // 1_000_000)
    event = {"event_id": "e-1", "customer_id": customer, "type": "basket", "time": now, "properties": {"total": 3.5}}
    applied = first.post("/v1/events", {"events": [event]})["results"][0]
    second_up = run("up", "--data-dir", str(data_dir), "--port", str(first.port))
    assert second_up.returncode == 1
    assert "already" in second_up.stderr
    run_file = json.loads((data_dir / "run.json").read_text())
    psutil.Process(run_file["up"]["pid"]).send_signal(signal.SIGKILL)

    second = starting(data_dir)
    again = second.post("/v1/events", {"events": [event]})["results"][0]
    assert again["status"] == "duplicate"
    assert again["state_version"] == applied["state_version"]
    left = [other["pid"] for other in run_file["others"]]
    assert [pid for pid in left if psutil.pid_exists(pid) and _is_ours(pid, run_file)] == []

    with open_stream(second) as stream:
        assert run("down", "--data-dir", str(data_dir)).returncode == 0
        with pytest.raises(ConnectionClosed) as ended:
            stream.recv(timeout=10)
    assert ended.value.rcvd is not None
    assert ended.value.rcvd.code == 1001
    assert run("audit", "--all", "--data-dir", str(data_dir)).returncode == 0
    assert run("status", "--data-dir", str(data_dir)).returncode == 1
    wrong = run("up", "--data-dir", str(data_dir), "--shards", "5")
    assert wrong.returncode == 1
    assert "2 shards, not 5" in wrong.stderr


def _is_ours(pid: int, run_file: dict[str, list[dict[str, float]]]) -> bool:
    started = next(other["started"] for other in run_file["others"] if other["pid"] == pid)
    return abs(psutil.Process(pid).create_time() - started) < 1.0


def test_ray_dying_under_it_makes_up_start_everything_again(server: Server) -> None:
    customer = fresh("c")
    assert server.event(customer, "basket", total=2.0)["status"] == "applied"
    server.kill("gcs_server")
    eventually("it is down", lambda: not _ready(server))
    eventually("it is ready again", lambda: _ready(server), within_s=120)
    assert server.get(f"/v1/customers/{customer}")["features"]["baskets_28d"] == 1


def _ready(server: Server) -> bool:
    try:
        return httpx.get(f"{server.url}/readyz", timeout=2.0).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["up", "--clock", "sundial"], 1, "manual:TIME"),
        (["up", "--catalog", "nowhere.yaml"], 1, "nowhere.yaml"),
        (["up", "--port", "no"], 2, "port"),
        (["down", "--data-dir", "nowhere"], 1, "no Kairos runs"),
        (["key", "--data-dir", "nowhere"], 1, "kairos up"),
        (["--help"], 0, "Usage"),
    ],
)
def test_the_command_line_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert (done.returncode, said in done.stderr + done.stdout) == (status, True), done.stderr + done.stdout
