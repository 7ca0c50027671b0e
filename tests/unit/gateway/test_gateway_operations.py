"""Status, readiness, metrics, the journal, and publishing a catalog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.gateway.doubles import DECISION, EVENT, FakeBackend, Served

from actors.gateway.batching import ShardGone
from actors.gateway.shards import ActorFailed
from models import canonical

CATALOG = Path(__file__).parents[3] / "cluster" / "example_catalog.yaml"
SERVING = {"catalog_version": "sha256:0", "degraded": False, "counters": {"turns": 7}}


@pytest.fixture
def ready(served: Served) -> Served:
    backend = served.backend
    backend.status = {0: dict(SERVING), 1: dict(SERVING)}
    backend.coordinator_answer = [200, {"shards": [{"shard": 0, "ready": True}, {"shard": 1, "ready": True}]}]
    return served


def test_ready_when_every_shard_has_a_policy_and_its_first_grants(ready: Served) -> None:
    assert ready.ask("GET", "/readyz", key="").status_code == 200


@pytest.mark.parametrize("reason", ["has no policy", "waits for its first grants"])
def test_not_ready_says_which_shard_waits_for_what(ready: Served, reason: str) -> None:
    if reason == "has no policy":
        ready.backend.status[1]["catalog_version"] = ""
    else:
        ready.backend.coordinator_answer[1]["shards"][1]["ready"] = False
    response = ready.ask("GET", "/readyz", key="")
    assert response.status_code == 503
    assert f"shard 1 {reason}" in response.json()["detail"]


def test_a_shard_that_does_not_answer_is_down_in_the_status_and_not_ready(tmp_path: Path) -> None:
    class OneDead(FakeBackend):
        async def shard(self, shard: int, method: str, *args: Any) -> bytes:
            if shard == 1:
                raise ShardGone("dead")
            return await super().shard(shard, method, *args)

    served = Served(tmp_path, OneDead())
    served.backend.coordinator_answer = [200, {"shards": [{"shard": 0, "ready": True}, {"shard": 1, "ready": True}]}]
    assert served.ask("GET", "/readyz").status_code == 503
    status = served.ask("GET", "/v1/status").json()
    assert status["degraded"] is True
    assert [(one["shard"], one["up"]) for one in status["shards"]] == [(0, True), (1, False)]
    assert 'kairos_shard_up{shard="1"} 0.0' in served.ask("GET", "/metrics").text


def test_alive_while_everything_else_is_gone(tmp_path: Path) -> None:
    class Nobody(FakeBackend):
        async def shard(self, shard: int, method: str, *args: Any) -> bytes:
            raise ShardGone("gone")

        async def coordinator(self, method: str, *args: Any) -> bytes:
            raise ActorFailed("a bug")

    served = Served(tmp_path, Nobody())
    assert served.ask("GET", "/healthz", key="").json() == {"status": "ok"}
    assert served.ask("GET", "/readyz", key="").status_code == 503
    assert served.ask("GET", "/v1/status").json()["coordinator"] is False


def test_metrics_count_calls_by_status_and_show_the_shards_figures(ready: Served) -> None:
    ready.ask("POST", "/v1/decisions", json=DECISION)
    ready.ask("POST", "/v1/decisions", json={})
    ready.ask("POST", "/v1/events", json={"events": [EVENT]})
    text = ready.ask("GET", "/metrics").text
    assert 'kairos_requests_total{call="decisions",gateway="0",status="200"} 1.0' in text
    assert 'kairos_requests_total{call="decisions",gateway="0",status="422"} 1.0' in text
    assert 'kairos_stage_seconds_count{gateway="0",stage="commit"} 2.0' in text
    assert 'kairos_shard_epoch{shard="0"} 7.0' in text


def test_the_journal_is_handed_through_as_msgpack(served: Served) -> None:
    response = served.ask("GET", "/v1/journal?shard=1&after=5&limit=10")
    assert response.headers["content-type"] == "application/msgpack"
    assert canonical.unpack(response.content) == {"rows": [], "args": [5, 10]}
    base = served.ask("GET", f"/v1/journal?shard=1&base_after={'0a' * 16}&limit=10")
    assert canonical.unpack(base.content)["args"] == [b"\n" * 16, 10]
    for wrong in ("", "?shard=2", "?shard=x", "?shard=0&after=-1", "?shard=0&base_after=zz"):
        assert served.ask("GET", f"/v1/journal{wrong}").status_code == 422


@pytest.mark.parametrize("media", ["application/yaml", "text/yaml", "application/json", "text/plain"])
def test_a_catalog_is_checked_and_handed_to_the_coordinator(served: Served, media: str) -> None:
    headers = {"content-type": media, "if-match": '"sha256:old"'}
    response = served.ask("PUT", "/v1/catalog", content=CATALOG.read_bytes(), headers=headers)
    assert response.status_code == 200
    (method, (asked,)), = served.backend.coordinator_calls
    assert (method, asked["if_match"], asked["catalog"]["name"]) == ("publish_catalog", "sha256:old", "grocer")


def test_a_dry_run_of_a_catalog_publishes_nothing(served: Served) -> None:
    response = served.ask("PUT", "/v1/catalog?dry_run=true", content=CATALOG.read_bytes())
    assert response.json()["catalog_version"].startswith("sha256:")
    assert served.backend.coordinator_calls == []


def test_a_wrong_catalog_is_told_every_error_with_its_line(served: Served) -> None:
    text = CATALOG.read_text().replace("group: coupons\n    value: 1.80", "group: nowhere\n    value: 1.80").replace(
        "count_max: 3", "count_max: -3", 1
    )
    response = served.ask("PUT", "/v1/catalog", content=text.encode())
    assert response.status_code == 422
    errors = response.json()["errors"]
    assert len(errors) >= 1
    assert all(error["line"] for error in errors)
    assert served.backend.coordinator_calls == []


@pytest.mark.parametrize(("body", "status"), [
    (b"\xff\xfe\x00", 400), (b"", 422), (b"[1", 422), (b"[" * 10_000, 422), (b"a: &a [*a]", 422),
    (b"catalog: 1\ncatalog: 1", 422), (b"x: " + b"y" * 1_100_000, 413),
])
def test_nonsense_in_place_of_a_catalog_is_refused(served: Served, body: bytes, status: int) -> None:
    response = served.ask("PUT", "/v1/catalog", content=body)
    assert response.status_code == status, response.text
    assert served.backend.coordinator_calls == []
