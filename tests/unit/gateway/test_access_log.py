"""Which requests are logged, and that a line says nothing about anybody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from unit.gateway.doubles import DECISION, FakeBackend, Served

from actors import access
from actors.gateway.access_log import AccessLog
from actors.gateway.shards import ActorFailed
from actors.logs import configure_logs
from models import limits


class Failing(FakeBackend):
    async def batch(self, shard: int, batch: bytes, follows: bool = False) -> bytes:
        raise ActorFailed("broken")


@pytest.fixture(autouse=True)
def logging() -> Iterator[None]:
    configure_logs("info", process="gateway")
    yield
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str], event: str) -> list[dict[str, Any]]:
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    return [line for line in told if line["event"] == event]


def test_what_succeeds_is_logged_in_the_share_that_was_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    served = Served(tmp_path)
    for ratio, wanted in ((0.0, 0), (1.0, 3)):
        served.services.access_log = AccessLog(ratio)
        for number in range(3):
            served.ask("POST", "/v1/decisions", json={**DECISION, "request_id": f"r-{number}"})
        found = lines(capsys, "request")
        assert len(found) == wanted
    assert [line["request_id"] for line in found] == ["r-0", "r-1", "r-2"]
    assert found[0]["call"] == "decisions"
    assert (found[0]["status"], found[0]["process"]) == (200, "gateway")


def test_failures_are_always_logged_but_a_flood_of_them_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    now_s = [100.0]
    served = Served(tmp_path, Failing())
    served.services.access_log = AccessLog(0.0, lambda: now_s[0])
    for _ in range(limits.LOGGED_FAILURES_PER_S + 3):
        assert served.ask("POST", "/v1/decisions", json=DECISION).status_code == 500
    assert len(lines(capsys, "request_failed")) == limits.LOGGED_FAILURES_PER_S
    now_s[0] += 1
    served.ask("POST", "/v1/decisions", json=DECISION)
    told = capsys.readouterr().err
    assert '"count": 3' in told
    assert '"event": "request_failed"' in told


def test_no_line_has_the_customer_the_body_or_the_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = {**DECISION, "customer_id": "hh-secret", "context": {"note": "private-words"}}
    for backend in (None, Failing()):
        served = Served(tmp_path, backend)
        served.services.access_log = AccessLog(1.0)
        served.ask("POST", "/v1/decisions", json=asked)
        served.ask("GET", "/v1/customers/hh-secret")
    told = capsys.readouterr().err
    assert "request" in told
    for secret in ("hh-secret", "private-words", access.read_admin_key(tmp_path)):
        assert secret not in told
