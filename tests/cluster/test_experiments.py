"""An experiment against a live installation: published, decided under, observed by the clock, reported, ended."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from support.server import Server, fresh
from typer.testing import CliRunner

from cluster.cli import app
from models import limits

EXPERIMENT = {
    "id": "bolder_hero", "share": 1.0, "observe": "1h", "metric": "value", "channels": ["web"],
    "variants": [
        {"id": "as_is", "weight": 1},
        {"id": "bold", "weight": 1, "arbitration": {"exploration": {"method": "none"}}},
    ],
}


@pytest.fixture(scope="module")
def catalog(server: Server) -> Iterator[dict[str, Any]]:
    """With the experiment in it; afterwards without again."""
    before = server.get("/v1/catalog")["catalog"]
    with_it = before | {"experiments": [EXPERIMENT]}
    server.put("/v1/catalog", with_it)
    yield with_it
    server.put("/v1/catalog", before)


def test_a_report_adds_up_to_the_timelines(server: Server, catalog: dict[str, Any]) -> None:
    customers = [fresh("trial") for _ in range(8)]
    variant_of: dict[str, str] = {}
    for customer in customers:
        dry = server.decide(customer, "web", "home_hero", dry_run=True)
        decided = server.decide(customer, "web", "home_hero")
        assert dry.get("experiments") == decided.get("experiments")
        if decided["control_group"] is not None:
            assert "experiments" not in decided
            continue
        variant_of[customer] = decided["experiments"]["bolder_hero"]
        for item in decided["placements"][0]["items"]:
            server.outcome(decided["decision_id"], item["action"], "convert", value=2.5)
    told = server.get("/v1/experiments/bolder_hero")
    assert {one["id"]: one["assigned"] for one in told["variants"]} == {
        name: list(variant_of.values()).count(name) for name in ("as_is", "bold")
    }
    assert (told["state"], told["observed"], told["sample_ratio"]["alarm"]) == ("running", 0, False)
    server.advance(limits.HOUR_MS)
    for customer in customers:
        server.event(customer, "page_view")
    told = server.get("/v1/experiments/bolder_hero")
    expected: Counter[str] = Counter()
    for customer, variant in variant_of.items():
        values = [one["body"]["value"] for one in server.timeline(customer) if one["kind"] == "outcome"]
        expected[variant] += round(sum(value for value in values if value is not None) * 1e6)
    for one in told["variants"]:
        assert one["observed"] == one["assigned"]
        if one["observed"]:
            assert round(one["mean"] * one["observed"] * 1e6) == expected[one["id"]]
    assert server.client.get("/v1/experiments/another").status_code == 404


def test_the_command_shows_what_the_calls_answer(server: Server, catalog: dict[str, Any]) -> None:
    listed = json.loads(_run(server, "list", "--json"))["experiments"]
    assert [one["id"] for one in listed] == ["bolder_hero"]
    assert json.loads(_run(server, "show", "bolder_hero", "--json")) == server.get("/v1/experiments/bolder_hero")
    assert "sample ratio" in _run(server, "show", "bolder_hero")


def _run(server: Server, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["experiment", *arguments, "--data-dir", str(server.data_dir)])
    assert done.exit_code == 0, done.output
    return done.output
