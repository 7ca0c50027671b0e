"""What Insight counts, through the gateway: masked, of the caller's tenant, and not told twice."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from unit.gateway.doubles import DECISION, SECRET, FakeBackend, Served

from actors import access
from actors.gateway.latency_reports import LatencyReports
from actors.gateway.metrics import Metrics
from models import limits
from models.ids import tenant_tag
from models.insight.latency import bucket_of
from models.messages import insight

RECENT = {
    "decision_id": "d1", "customer_id": "ann", "time": "2026-11-02T18:00:00Z", "channel": "web", "control_group": None,
    "degraded": False, "scorer_version": None, "candidates": 9, "chosen": 1,
    "items": [{"placement": "hero", "rank": 1, "action": "a", "treatment": "t", "fallback": False}],
}
LIVE = {
    "at": "2026-11-02T18:00:00Z", "version": 77, "age_ms": 12, "caught_up": True, "behind_rows": 0,
    "shards": [{"shard": 0, "seq": 4, "newest": 4, "reached": True}], "rate_per_s": 1.5, "p50_ms": 2.0, "p99_ms": None,
    "degraded_share": 0.0, "minutes": [], "recent": [RECENT], "sample_ratio": 1.0,
}
FUNNEL = {
    "window": "day", "from": None, "to": None, "version": 5, "decisions": 1, "degraded": 0, "held_out": 0, "gates": [],
    "actions": [], "policies": [], "budgets": [],
}


@pytest.fixture
def counted(tmp_path: Path) -> Served:
    served = Served(tmp_path)
    served.backend.insight_answers = {"live": LIVE, "funnel": [200, FUNNEL], "latencies": None}
    return served


def asked(served: Served, method: str) -> dict[str, Any]:
    """What Insight was asked last."""
    found: dict[str, Any] = [args for name, args in served.backend.insight_calls if name == method][-1][0]
    return found


def aged(answer: httpx.Response) -> int:
    """How old the answer says it is."""
    return int(answer.headers["x-data-age-ms"])


def test_live_is_told_with_its_version_and_its_age(counted: Served) -> None:
    answer = counted.ask("GET", "/v1/live")
    assert answer.json() == {**LIVE, "age_ms": aged(answer)}
    assert answer.headers["etag"] == 'W/"77"'
    assert "no-cache" in answer.headers["cache-control"]
    insight.Live.model_validate(answer.json())
    insight.Funnel.model_validate(counted.ask("GET", "/v1/funnel").json())


@pytest.mark.parametrize("named", ['W/"77"', '"77"', '"1", W/"77"', "*"])
def test_who_has_the_newest_version_is_told_its_age_alone(counted: Served, named: str) -> None:
    answer = counted.ask("GET", "/v1/live", headers={"if-none-match": named})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == 'W/"77"'
    assert aged(answer) >= LIVE["age_ms"]
    assert "content-length" not in answer.headers


def test_insight_does_not_tell_again_what_the_gateway_has(counted: Served) -> None:
    counted.ask("GET", "/v1/live")
    counted.backend.insight_answers["live"] = {"version": 77, "age_ms": 3, "fresh_ms": 0}
    answer = counted.ask("GET", "/v1/live", headers={"if-none-match": 'W/"77"'})
    assert (answer.status_code, aged(answer) < LIVE["age_ms"]) == (304, True)
    assert asked(counted, "live")["known"] == 77
    again = counted.ask("GET", "/v1/live")
    assert again.json() == {**LIVE, "age_ms": aged(again)}
    counted.ask("GET", "/v1/funnel")
    counted.backend.insight_answers["funnel"] = [200, {"version": 5, "fresh_ms": 0}]
    assert counted.ask("GET", "/v1/funnel", headers={"if-none-match": 'W/"5"'}).status_code == 304
    assert asked(counted, "funnel")["known"] == 5
    assert counted.ask("GET", "/v1/funnel").json() == FUNNEL


@pytest.mark.parametrize("named", ['W/"78"', '"masked77"', "", '"' + "7" * 400 + '"', "é".encode("latin-1")])
def test_who_has_another_version_is_told_all(counted: Served, named: Any) -> None:
    told = counted.ask("GET", "/v1/live", headers={"if-none-match": named})
    assert (told.status_code, told.json()) == (200, {**LIVE, "age_ms": aged(told)})


def test_a_number_that_is_written_otherwise_is_not_the_tag_of_what_a_caller_has(counted: Served) -> None:
    for path, method in (("/v1/live", "live"), ("/v1/funnel", "funnel")):
        assert counted.ask("GET", path, headers={"if-none-match": 'W/"0077"'}).status_code == 200
        assert asked(counted, method)["known"] is None


def test_a_caller_without_the_scope_sees_no_customer_and_has_tags_of_its_own(counted: Served) -> None:
    key = counted.key("config:read")
    answer = counted.ask("GET", "/v1/live", key)
    assert answer.json() == {**LIVE, "age_ms": aged(answer), "recent": [{**RECENT, "customer_id": None}]}
    assert '"ann"' not in answer.text
    assert answer.headers["etag"] == 'W/"masked77"'
    assert counted.ask("GET", "/v1/live", key, headers={"if-none-match": 'W/"77"'}).status_code == 200
    assert counted.ask("GET", "/v1/live", key, headers={"if-none-match": 'W/"masked77"'}).status_code == 304
    assert counted.ask("GET", "/v1/live", counted.key("config:read", "profiles:read")).json()["recent"] == [RECENT]


def test_recent_decisions_are_asked_for_the_callers_tenant(counted: Served) -> None:
    counted.ask("GET", "/v1/live")
    assert asked(counted, "live")["tag"] == tenant_tag(SECRET, "main")
    store = access.FileAccess(counted.data_dir)
    theirs = access.create(store, "theirs", ["*"], now_ms=0, tenant="acme")
    counted.authoriser.refresh()
    counted.ask("GET", "/v1/live", theirs)
    assert asked(counted, "live")["tag"] == tenant_tag(SECRET, "acme") != tenant_tag(SECRET, "main")


def test_a_funnel_is_asked_for_its_window_channel_and_action(counted: Served) -> None:
    answer = counted.ask("GET", "/v1/funnel?window=week&channel=web&action=coffee%20pot")
    assert (answer.json(), answer.headers["etag"]) == (FUNNEL, 'W/"5"')
    assert asked(counted, "funnel") == {"window": "week", "channel": "web", "action": "coffee pot", "known": None}
    counted.ask("GET", "/v1/funnel")
    assert asked(counted, "funnel") == {"window": "day", "channel": None, "action": None, "known": None}


@pytest.mark.parametrize(("query", "field"), [
    ("window=year", "window"), ("channel=", "channel"), ("shard=1", "shard"),
    ("action=" + "a" * (limits.ID_CHARS_MAX + 1), "action"),
])
def test_a_wrong_funnel_is_refused_by_its_field(counted: Served, query: str, field: str) -> None:
    answer = counted.ask("GET", f"/v1/funnel?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, ["query", field])
    assert not counted.backend.insight_calls


def test_what_insight_refuses_is_told(counted: Served) -> None:
    counted.backend.insight_answers["funnel"] = [422, {"detail": "no such", "errors": [{"loc": ["x"], "msg": "no"}]}]
    answer = counted.ask("GET", "/v1/funnel")
    assert (answer.status_code, answer.json()["detail"], answer.json()["errors"][0]["loc"]) == (422, "no such", ["x"])


def test_without_insight_both_say_so_and_decisions_go_on(served: Served) -> None:
    for path in ("/v1/live", "/v1/funnel"):
        answer = served.ask("GET", path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "Insight" in answer.json()["detail"]
    assert served.ask("POST", "/v1/decisions", json=DECISION).status_code == 200


def test_an_insight_that_hangs_is_not_waited_for_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(FakeBackend):
        async def insight(self, method: str, *args: Any) -> bytes:
            await asyncio.Event().wait()
            return b""

    monkeypatch.setattr("actors.gateway.services.INSIGHT_WAIT_S", 0.01)
    assert Served(tmp_path, Hanging()).ask("GET", "/v1/live").status_code == 503


def test_counts_need_the_scope(counted: Served) -> None:
    key = counted.key("profiles:read")
    for path in ("/v1/live", "/v1/funnel"):
        assert counted.ask("GET", path, key).status_code == 403


def test_a_caller_is_told_who_it_is(served: Served) -> None:
    key = access.create(
        access.FileAccess(served.data_dir), "shop", ["config:read", "decide:web"], now_ms=0, tenant="acme",
        expires_ms=4_102_444_800_000,
    )
    served.authoriser.refresh()
    told = served.ask("GET", "/v1/caller", key).json()
    assert told.pop("key_id") not in key
    assert told == {
        "name": "shop", "tenant": "acme", "scopes": ["config:read", "decide:web"], "expires": "2100-01-01T00:00:00Z",
    }
    assert served.ask("GET", "/v1/caller").json()["expires"] is None
    assert served.ask("GET", "/v1/caller", key="").status_code == 401


def test_decisions_that_were_answered_are_reported_once(counted: Served) -> None:
    async def run() -> None:
        metrics = counted.services.metrics
        reports = LatencyReports(metrics, counted.backend)
        assert await reports.report()
        assert not counted.backend.insight_calls
        metrics.answered("decisions", 200, 0.004, 0.001, {})
        metrics.framed("decisions", 200, 0.004)
        metrics.answered("decisions:batch", 200, 0.1, 0.001, {})
        metrics.answered("decisions", 503, 0.2, 0.001, {})
        metrics.answered("events", 200, 0.2, 0.001, {})
        assert await reports.report()
        assert await reports.report()
        (_, (replica, (counts, before))), = counted.backend.insight_calls
        assert replica == "0"
        assert (counts[bucket_of(4.0)], counts[bucket_of(100.0)], sum(counts), sum(before)) == (2, 1, 3, 0)

    asyncio.run(run())


def test_what_insight_did_not_hear_is_in_the_next_report() -> None:
    async def run() -> None:
        metrics, backend = Metrics("g1"), FakeBackend()
        reports = LatencyReports(metrics, backend)
        metrics.answered("decisions", 200, 0.004, 0.001, {})
        assert not await reports.report()
        metrics.answered("decisions", 200, 0.004, 0.001, {})
        backend.insight_answers["latencies"] = None
        assert await reports.report()
        (_, (_, (counts, before))) = backend.insight_calls[-1]
        assert (sum(counts), sum(before)) == (2, 0)

    asyncio.run(run())
