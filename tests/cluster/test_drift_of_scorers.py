"""A scorer that promises what does not come is seen to, where operators look."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.server import Server, eventually, fresh

from actors.scorer_registry import ScorerRegistry
from models import limits
from models.messages.answers import Scorers
from models.monitoring.stability import DRIFTED_ROWS
from models.scoring.rows import from_columns
from models.scoring.training import train
from models.times import format_time

FEATURES = ("profile.baskets_28d", "action.value")
ACTION, WITHIN_MS = "ask_feedback", 7 * limits.DAY_MS
#: A few are in the control group.
CUSTOMERS = DRIFTED_ROWS + 40


@pytest.fixture
def optimist(server: Server) -> Any:
    """The version of a champion that learnt from many who had baskets and took nearly everything."""
    draw = np.random.default_rng(1)
    baskets = draw.integers(3, 12, 600)
    trained = train(from_columns({
        "time_ms": np.arange(600), "action": [ACTION] * 600, "label": (draw.random(600) < 0.8).astype(int),
        "profile.baskets_28d": baskets, "action.value": draw.normal(2, 1, 600),
    }, FEATURES), created_ms=time.time_ns() // 1_000_000)
    version = trained.manifest.version
    ScorerRegistry(server.data_dir).register(trained.model, trained.manifest)
    assert server.client.post(f"/v1/scorers/{version}:promote", json={}).status_code in (200, 202)
    eventually("the optimist decides", lambda: all(
        server.decide(fresh("c"), "app", "app_card", dry_run=True)["scorer_version"] == version for _ in range(12)
    ))
    yield version
    undone = server.client.post("/v1/scorers:rollback", json={})
    assert undone.status_code in (200, 202), undone.text


def test_a_scorer_that_promises_too_much_is_seen_in_the_registry_and_in_the_metrics(
    server: Server, optimist: str
) -> None:
    shown = [item for start in range(0, CUSTOMERS, 40) for item in _decide(server, min(40, CUSTOMERS - start))]
    assert len(shown) >= DRIFTED_ROWS
    for start in range(0, len(shown), 40):
        _see(server, shown[start : start + 40])
    features = _monitor(server, optimist)["features"]
    assert features["rows"] >= DRIFTED_ROWS
    assert "profile.baskets_28d" in {one["feature"] for one in features["worst"] if one["drifted"]}

    server.advance(WITHIN_MS + 1_000)
    watched = _monitor(server, optimist)
    assert (watched["rows"], watched["observed"], watched["drifted"]) == (len(shown), 0, True)
    assert watched["predicted"] > len(shown) / 4
    assert [(one["action"], one["channel"]) for one in watched["worst"]] == [(ACTION, "app")]
    of = _metrics(server, optimist)
    assert of["kairos_window_labels"] == len(shown)
    assert of["kairos_window_accepted"] == 0
    assert of["kairos_window_predicted"] == pytest.approx(watched["predicted"], rel=1e-3)


def _monitor(server: Server, scorer: str) -> dict[str, Any]:
    answer = server.get("/v1/scorers")
    Scorers.model_validate(answer)
    assert answer["watched_by"] == 2
    found: dict[str, Any] = next(one["monitor"] for one in answer["scorers"] if one["version"] == scorer)
    return found


def _decide(server: Server, count: int) -> list[dict[str, Any]]:
    """Decisions of customers whom nobody knows; what was chosen for them, as impressions."""
    asked = [
        {"request_id": fresh("r"), "customer_id": fresh("c"), "channel": "app", "placements": [{"id": "app_card"}]}
        for _ in range(count)
    ]
    answers = [one["body"] for one in server.post("/v1/decisions:batch", {"requests": asked})["results"]]
    return [
        {"decision_id": answer["decision_id"], "action": item["action"], "type": "impression"} for answer in answers
        for placement in answer["placements"] for item in placement["items"]
    ]


def _see(server: Server, shown: list[dict[str, Any]]) -> None:
    now = format_time(server.now_ms())
    results = server.post("/v1/outcomes", {"outcomes": [
        {**one, "outcome_id": fresh("o"), "time": now} for one in shown
    ]})["results"]
    assert {one["status"] for one in results} == {"applied"}


def _metrics(server: Server, scorer: str) -> dict[str, float]:
    """Sums over shards, actions and channels."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(server.client.get("/metrics").text):
        for sample in family.samples:
            if sample.labels.get("scorer") == scorer:
                found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found
