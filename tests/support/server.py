"""A live installation as tests see it: HTTP by its key, and its processes by name."""

from __future__ import annotations

import itertools
import json
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil

from models.times import format_time, parse_time_ms

_counter = itertools.count()
WAIT_S = 60.0


def kairos() -> list[str]:
    """The installed console script beside this interpreter."""
    return [str(Path(sys.executable).with_name("kairos"))]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def fresh(prefix: str) -> str:
    """An id that no other test uses."""
    return f"{prefix}-{next(_counter)}-{uuid.uuid4().hex[:8]}"


def eventually(what: str, check: Callable[[], bool], within_s: float = WAIT_S) -> None:
    """Poll until a condition holds; fails with its name."""
    deadline = time.monotonic() + within_s
    while not check():
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
        time.sleep(0.05)


class Server:
    def __init__(self, data_dir: Path, port: int) -> None:
        self.data_dir = data_dir
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.key = (data_dir / "admin.key").read_text().strip()
        self.client = httpx.Client(
            base_url=self.url, headers={"authorization": f"Bearer {self.key}"}, timeout=30.0,
        )

    def close(self) -> None:
        self.client.close()

    # calls

    def get(self, path: str, **params: Any) -> Any:
        answer = self.client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any) -> Any:
        answer = self.client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def put(self, path: str, body: Any) -> Any:
        answer = self.client.put(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def retried(self, path: str, body: Any) -> Any:
        """Post until it is answered, with the same ids, as a channel service would."""
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                answer = self.client.post(path, json=body)
            except httpx.HTTPError as error:
                said = str(error)
            else:
                if answer.status_code == 200:
                    return answer.json()
                assert answer.status_code in (429, 500, 503, 504), answer.text
                said = answer.text
            assert time.monotonic() < deadline, said
            time.sleep(0.1)

    def now_ms(self) -> int:
        return parse_time_ms(self.get("/v1/clock")["time"])

    def advance(self, by_ms: int) -> None:
        """Move the manual clock forward."""
        self.put("/v1/clock", {"time": format_time(self.now_ms() + by_ms)})

    def event(self, customer: str, type_: str, **properties: Any) -> Any:
        body = {
            "event_id": fresh("e"), "customer_id": customer, "type": type_, "time": format_time(self.now_ms()),
            "properties": properties,
        }
        return self.post("/v1/events", {"events": [body]})["results"][0]

    def decide(self, customer: str, channel: str, *placements: str, **more: Any) -> Any:
        body = {"customer_id": customer, "channel": channel, "placements": [{"id": p} for p in placements], **more}
        return self.post("/v1/decisions", body)

    def outcome(self, decision_id: str, action: str, type_: str, **more: Any) -> Any:
        body = {
            "outcome_id": fresh("o"), "decision_id": decision_id, "action": action, "type": type_,
            "time": format_time(self.now_ms()), **more,
        }
        return self.post("/v1/outcomes", {"outcomes": [body]})["results"][0]

    def timeline(self, customer: str) -> list[dict[str, Any]]:
        """Everything, newest first."""
        items: list[dict[str, Any]] = []
        before: dict[str, Any] = {}
        while True:
            page = self.get(f"/v1/customers/{customer}/timeline", limit=200, **before)
            items += page["items"]
            if page["next_before"] is None:
                return items
            before = {"before": page["next_before"]}

    # processes

    def processes(self, name: str) -> list[psutil.Process]:
        """Live processes of this installation whose command line holds a name, e.g. ``ray::ProfileShard``."""
        run = json.loads((self.data_dir / "run.json").read_text())
        found = []
        for process in psutil.Process(run["up"]["pid"]).children(recursive=True):
            try:
                if name in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.NoSuchProcess:
                continue
        return found

    def kill(self, name: str) -> int:
        """SIGKILL one process of that name at once; returns its pid."""
        process = self.processes(name)[0]
        process.send_signal(signal.SIGKILL)
        return process.pid


def start(data_dir: Path, *arguments: str) -> Server:
    """`kairos up --detach` in a directory of its own; returns when it is ready."""
    port = free_port()
    done = subprocess.run(
        [*kairos(), "up", "--detach", "--data-dir", str(data_dir), "--port", str(port), *arguments],
        capture_output=True, text=True, check=False, timeout=240, stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{done.stderr}\n{(data_dir / 'up.log').read_text()[-4000:]}"
    return Server(data_dir, port)
