"""An installation whose shards hold the scorer themselves: nothing to deploy, nothing to kill but the shards."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.server import Server, eventually, fresh

from actors.scorer_registry import ScorerRegistry
from models.scoring.rows import from_columns
from models.scoring.training import train

FEATURES = ("profile.baskets_28d", "action.value")


def register(data_dir: Path) -> str:
    draw = np.random.default_rng(1)
    baskets, value = draw.integers(0, 6, 400), draw.normal(2, 1, 400)
    trained = train(from_columns({
        "time_ms": np.arange(400), "action": ["ask_feedback"] * 400,
        "label": (baskets + value + draw.normal(size=400) > 4).astype(int),
        "profile.baskets_28d": baskets, "action.value": value,
    }, FEATURES), created_ms=time.time_ns() // 1_000_000)
    ScorerRegistry(data_dir).register(trained.model, trained.manifest)
    return trained.manifest.version


def test_shards_score_by_themselves_and_go_on_after_a_kill(
    tmp_path: Path, starting: Callable[[Path], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAIROS_SCORER", "in_process")
    live = starting(tmp_path / "data")
    assert live.processes("ServeReplica:kairos-scorer") == []
    version = register(tmp_path / "data")
    live.post(f"/v1/scorers/{version}:promote", {})

    def scored() -> bool:
        """A decision of every shard, for all that is known of where customers live."""
        told = [live.decide(fresh("c"), "app", "app_card", dry_run=True) for _ in range(12)]
        return all(one["scorer_version"] == version and not one["degraded"] for one in told)

    eventually("every shard scores with the champion", scored)
    explained = live.decide(fresh("c"), "app", "app_card", explain=True)["explanation"]["candidates"]
    by_scorer = [one for one in explained if one.get("propensity_source") == "scorer"]
    assert by_scorer
    assert all(one["top_features"] for one in by_scorer)

    live.kill("ray::ProfileShard")
    eventually("the shard is back", lambda: live.client.get("/readyz").status_code == 200)
    eventually("every shard scores again", scored)
    assert [shard["degraded"] for shard in live.get("/v1/status")["shards"]] == [False, False]
