"""Nonsense of every kind gets a clear problem document, changes nothing, and leaves the server alive."""

from __future__ import annotations

import pickle
from typing import Any

import msgpack
import pytest
from support.server import Server, fresh

DECISION = {"customer_id": "nonsense", "channel": "web", "placements": [{"id": "home_hero"}]}
EVENT = {"event_id": "e", "customer_id": "nonsense", "type": "basket", "time": "2026-03-02T15:00:00Z"}


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 10_000 + b"]" * 10_000, "application/json", 400),
        (b'{"context": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}", "application/json", 400),
        (b'{"customer_id": NaN}', "application/json", 400),
        (b'{"customer_id": 1e999}', "application/json", 400),
        (pickle.dumps({"customer_id": "x"}), "application/msgpack", 400),
        (pickle.dumps({"customer_id": "x"}), "application/json", 400),
        (b" " * (256 * 1024 + 1), "application/json", 413),
        (b"null", "application/json", 422),
    ],
)
def test_a_body_that_is_none(server: Server, content: bytes, kind: str, status: int) -> None:
    answer = server.client.post("/v1/decisions", content=content, headers={"content-type": kind})
    assert answer.status_code == status, answer.text
    problem = msgpack.unpackb(answer.content) if "msgpack" in answer.headers["content-type"] else answer.json()
    assert problem["status"] == status
    assert problem["detail"]


@pytest.mark.parametrize(
    ("change", "loc"),
    [
        ({"surprise": 1}, ["surprise"]),
        ({"customer_id": "x" * 100_000}, ["customer_id"]),
        ({"customer_id": ""}, ["customer_id"]),
        ({"placements": [{"id": "hero"}]}, ["placements", 0, "id"]),
        ({"placements": [{"id": "home_hero"}, {"id": "home_hero"}]}, ["placements", 1, "id"]),
        ({"placements": [{"id": "email_body"}]}, ["placements", 0, "id"]),
        ({"placements": [{"id": "home_strip", "count": 4}]}, ["placements", 0, "count"]),
        ({"placements": [{"id": "home_strip", "count": -1}]}, ["placements", 0, "count"]),
        ({"channel": "telepathy"}, ["channel"]),
        ({"deadline_ms": 1}, ["deadline_ms"]),
        ({"event": {"type": "basket", "time": "2026-03-02T15:00:00"}}, ["event", "time"]),
    ],
)
def test_a_field_that_is_wrong_is_named(server: Server, change: dict[str, Any], loc: list[Any]) -> None:
    answer = server.client.post("/v1/decisions", json={**DECISION, **change})
    assert answer.status_code == 422, answer.text
    assert loc in [error["loc"] for error in answer.json()["errors"]]
    assert server.client.get("/v1/customers/nonsense").status_code == 404


def test_one_bad_event_harms_no_other(server: Server) -> None:
    customer = fresh("c")
    good = {**EVENT, "customer_id": customer, "time": server.get("/v1/clock")["time"]}
    bad = [
        {**good, "event_id": "late", "time": "1999-01-01T00:00:00Z"},
        {**good, "event_id": "ahead", "time": "2126-01-01T00:00:00Z"},
        {**good, "event_id": "zone", "time": "2026-03-02T15:00:00"},
        {**good, "event_id": "x" * 100_000},
        "not an event",
    ]
    results = server.post("/v1/events", {"events": [{**good, "event_id": "a"}, *bad, {**good, "event_id": "b"}]})
    assert [r["status"] for r in results["results"]] == ["applied", *["rejected"] * 5, "applied"]
    assert [r["state_version"] for r in results["results"] if r["status"] == "applied"] == [1, 2]
    again = server.post("/v1/events", {"events": [{**good, "event_id": "a", "properties": {"total": 1}}]})
    assert again["results"][0]["error"]["status"] == 409


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (" + ".join(["1"] * 20_000) + " > 0", "characters"),
        ("profile.baskets_29d >= 1", "baskets_28d"),
        ("profile.baskets_28d >=", "compile"),
    ],
)
def test_a_bad_rule_changes_no_catalog(server: Server, rule: str, said: str) -> None:
    before = server.get("/v1/catalog")
    broken = before["catalog"]
    broken["actions"][0]["eligibility"] = rule
    answer = server.client.put("/v1/catalog", json=broken)
    assert answer.status_code == 422, answer.text
    assert said in answer.text
    assert server.get("/v1/catalog")["catalog_version"] == before["catalog_version"]


def test_a_wrong_key_and_a_missing_scope_are_told_apart(server: Server) -> None:
    wrong = server.client.post("/v1/decisions", json=DECISION, headers={"authorization": "Bearer kairos_nonsense"})
    assert wrong.status_code == 401
    assert server.client.get("/healthz").status_code == 200
