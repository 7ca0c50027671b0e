"""A target's scorer in a real installation: an event is a score, and a rule that reads it, within the stated time."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
from support.server import Server, eventually, fresh

from actors.scorer_registry import ScorerRegistry
from models import limits
from models.scoring.rows import from_columns
from models.scoring.training import train

FEATURES = ("profile.baskets_28d", "profile.spend_28d")


@pytest.fixture
def eager(server: Server) -> Iterator[str]:
    """The version of a scorer that predicts a target of the live catalog: eager is who has three baskets."""
    draw = np.random.default_rng(1)
    baskets = draw.integers(0, 6, 600)
    trained = train(from_columns({
        "time_ms": np.arange(600), "action": ["eagerness"] * 600, "label": (baskets >= 3).astype(int),
        "profile.baskets_28d": baskets, "profile.spend_28d": draw.normal(20, 5, 600),
    }, FEATURES), created_ms=time.time_ns() // 1_000_000, target="eagerness")
    ScorerRegistry(server.data_dir).register(trained.model, trained.manifest)
    before = server.get("/v1/catalog")["catalog"]
    rule = "has(profile.scores.eagerness) && profile.scores.eagerness > 0.5"
    server.put("/v1/catalog", {
        **before, "targets": [{"id": "eagerness", "predict": "any", "event": "basket"}],
        "segments": [*before["segments"], {"id": "eager", "when": rule}],
    })
    server.post(f"/v1/scorers/{trained.manifest.version}:promote", {})
    yield trained.manifest.version
    server.post(f"/v1/scorers/{trained.manifest.version}:retire", {})
    server.put("/v1/catalog", before)


def test_an_event_is_a_score_that_a_rule_reads_within_the_stated_time(server: Server, eager: str) -> None:
    first, second = fresh("c"), fresh("c")
    for customer in (first, second):
        for _ in range(2):
            server.event(customer, "basket", total=20.0)

    def told(customer: str) -> dict[str, object]:
        return dict(server.get(f"/v1/customers/{customer}")["scores"].get("eagerness", {}))

    for customer in (first, second):  # until the replicas have read the file
        eventually("the first scores", lambda customer=customer: told(customer).get("version") == eager)  # type: ignore[misc]
        assert told(customer)["value"] < 0.5  # type: ignore[operator]
    server.event(first, "basket", total=20.0)
    eventually(
        "the score is news to the rule", lambda: "eager" in server.get(f"/v1/customers/{first}")["segments"],
        within_s=limits.SCORES_STALE_MS / 1_000,
    )
    assert told(first)["value"] > 0.5  # type: ignore[operator]
    assert "eager" not in server.get(f"/v1/customers/{second}")["segments"]
    metrics = server.client.get("/metrics").text
    assert "kairos_scores_refreshed_total{" in metrics
    assert [one["role"] for one in server.get("/v1/scorers")["scorers"] if one["version"] == eager] == ["target"]
