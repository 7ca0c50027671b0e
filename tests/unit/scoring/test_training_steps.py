"""A training from rows to manifest and report: nothing that judges is learnt from, and the same rows give the same
bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models import limits
from models.errors import BadInput
from models.scoring import metrics
from models.scoring.booster import Booster
from models.scoring.manifest import Manifest
from models.scoring.rows import Rows, from_columns
from models.scoring.splitting import split
from models.scoring.training import STAGES, Trained, train

FEATURES = ("profile.visits", "profile.noise", "profile.copy", "channel.app", "channel.web", "action.value")


def columns(count: int = 4_000, seed: int = 7) -> dict[str, Any]:
    draw = np.random.default_rng(seed)
    visits, app = draw.normal(size=count), draw.integers(0, 2, count)
    chance = 1 / (1 + np.exp(1.5 - 2.0 * visits - app))
    return {
        "time_ms": np.arange(count) * 1_000, "label_time_ms": np.arange(count) * 1_000 + 20_000,
        "action": ["a" if one % 3 else "b" for one in range(count)], "label": (draw.random(count) < chance).astype(int),
        "profile.visits": visits, "profile.noise": draw.normal(size=count), "profile.copy": visits,
        "channel.app": app, "channel.web": 1 - app, "action.value": np.ones(count),
    }


def rows(**changed: Any) -> Rows:
    return from_columns(columns() | changed, FEATURES)


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(rows(), 5)


def test_features_that_do_not_help_are_dropped_and_named(trained: Trained) -> None:
    manifest = trained.manifest
    assert {"profile.copy", "profile.noise", "action.value"} <= set(manifest.dropped)
    assert "profile.visits" in manifest.features
    assert set(manifest.features) | set(manifest.dropped) == set(FEATURES)
    assert trained.report["dropped"] == manifest.dropped
    assert train(rows(), 5, every_feature=True).manifest.features == FEATURES


def test_labels_that_judge_change_neither_trees_nor_features(trained: Trained) -> None:
    given = rows()
    test = split(given, 0.2).test
    label = given.label.copy()
    label[test] = np.random.default_rng(1).permutation(label[test])
    other = train(replace(given, label=label), 5)
    assert other.model == trained.model
    assert other.manifest.features == trained.manifest.features
    assert other.manifest.metrics["auc"] == pytest.approx(0.5, abs=0.06)
    assert trained.manifest.metrics["auc"] > 0.8


def test_no_more_rows_calibrate_than_are_needed_and_the_trees_learn_from_the_rest(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CALIBRATION_SLICE_KIND_ROWS", 100)
    given = rows()
    parts = split(given, 0.2)
    for part in (parts.calibration, parts.latest):
        kinds = np.bincount(given.label[part])
        assert kinds.min() == 100
        assert part.sum() < 0.2 * len(given)
    assert not (parts.latest & parts.before_latest).any()
    assert not (parts.calibration & parts.before_calibration).any()
    found = train(given, 5)
    counted = found.manifest.rows
    assert (counted["latest"], counted["grown"]) == (parts.latest.sum(), parts.before_latest.sum())
    assert counted["grown"] > trained.manifest.rows["grown"]
    assert counted["test"] == trained.manifest.rows["test"]
    latest, places = given.label.copy(), np.flatnonzero(parts.latest)[1:]  # the first row is where they begin
    latest[places] = np.random.default_rng(1).permutation(latest[places])
    again = train(replace(given, label=latest), 5)
    assert again.model == found.model
    assert again.manifest.calibration != found.manifest.calibration


def test_labels_that_were_not_final_in_time_are_not_learnt_from(trained: Trained) -> None:
    given = rows()
    parts = split(given, 0.2)
    late = (given.time_ms < parts.instants.test_ms) & (given.label_time_ms > parts.instants.test_ms)
    assert late.sum() == 20 - 1
    other = train(replace(given, label=np.where(late, 1 - given.label, given.label).astype(np.uint8)), 5)
    assert (other.model, other.manifest.version) == (trained.model, trained.manifest.version)


def test_the_same_rows_give_the_same_bytes_and_the_same_report(trained: Trained) -> None:
    again = train(rows(), 5)
    assert (again.model, again.manifest, again.report) == (trained.model, trained.manifest, trained.report)


def test_the_curve_is_fitted_on_rows_later_than_the_trees(trained: Trained) -> None:
    """Other labels in the latest part alone: other calibration, another version, the same trees."""
    given = rows()
    test = split(given, 0.2).test
    rare = np.where(test & (np.arange(len(given)) % 4 > 0), 0, given.label).astype(np.uint8)
    other = train(replace(given, label=rare), 5)
    assert other.model == trained.model
    assert other.manifest.calibration.kind != "none"
    assert other.manifest.version != trained.manifest.version
    matrix, label, _ = given.only(other.manifest.features).part(test)
    said = Booster(other.model, other.manifest).predict(matrix)
    assert said.mean() == pytest.approx(rare[test].mean(), abs=0.02)
    assert metrics.ece(rare[test], said) < 0.04 < metrics.ece(label, said)


def test_a_changed_curve_target_or_order_is_not_the_scorer_that_was_trained(trained: Trained) -> None:
    manifest = trained.manifest
    for changed in (
        {"calibration": {"kind": "platt", "x": [1.0], "y": [0.5]}}, {"target": "churn"},
        {"features": [*manifest.features[::-1]]}, {"sha256": "0" * 64},
    ):
        with pytest.raises(BadInput):
            Booster(trained.model, Manifest.from_wire({**manifest.to_wire(), **changed}))
    for cut in (b"", trained.model[:-1], trained.model[: len(trained.model) // 2]):
        with pytest.raises(BadInput, match="cut short or was changed"):
            Booster(cut, manifest)


def test_the_manifest_is_strict_and_comes_back_from_json(trained: Trained) -> None:
    wire = json.loads(json.dumps(trained.manifest.to_wire()))
    assert Manifest.from_wire(wire) == trained.manifest
    bad: list[dict[str, Any]] = [
        {"more": 1}, {"objective": "rank"}, {"actions": {"a": "many"}},
        {"reference": {"profile.visits": {"edges": [2.0, 1.0], "shares": [0.3, 0.3, 0.4], "missing": 0.0}}},
        {"reference": {"profile.visits": {"edges": [1.0], "shares": [1.0], "missing": 0.0}}},
        {"objective": "number", "calibration": {"kind": "platt", "x": [1.0], "y": [0.5]}},
    ]
    for changed in bad:
        with pytest.raises(BadInput):
            Manifest.from_wire({**wire, **changed})


def test_the_manifest_counts_actions_and_describes_features_of_the_rows_that_grew(trained: Trained) -> None:
    manifest, parts = trained.manifest, split(rows(), 0.2)
    grown = parts.before_latest
    assert sum(manifest.actions.values()) == manifest.rows["grown"] == grown.sum()
    assert manifest.actions["b"] == sum(np.flatnonzero(grown) % 3 == 0)
    assert set(manifest.reference) == set(manifest.features)
    visits = manifest.reference["profile.visits"]
    assert visits.shares == pytest.approx([0.1] * 10, abs=0.002)
    assert visits.missing == 0
    values = rows().matrix[grown, 0]
    bins = np.bincount(np.searchsorted(visits.edges, values, side="right"), minlength=10)
    assert bins / len(values) == pytest.approx(visits.shares, abs=1e-6)


def test_rows_are_counted_by_group_and_issue_whether_or_not_the_trees_read_that(trained: Trained) -> None:
    which = np.arange(4_000) % 3
    told = {"group.one": which == 0, "group.two": which > 0, "group.none": which > 5, "issue.grow": which < 2}
    given = from_columns(columns() | told, (*FEATURES, *told))
    manifest, grown = train(given, 5).manifest, split(given, 0.2).before_latest
    assert manifest.groups == {"one": sum(grown & (which == 0)), "two": sum(grown & (which > 0))}
    assert manifest.issues == {"grow": sum(grown & (which < 2))}
    assert {"group.one", "group.two", "group.none", "issue.grow"} & set(manifest.dropped)
    assert Manifest.from_wire(json.loads(json.dumps(manifest.to_wire()))) == manifest
    assert trained.manifest.groups == trained.manifest.issues == {}


def test_the_report_tells_actions_channels_curve_and_importance(trained: Trained) -> None:
    report, manifest = trained.report, trained.manifest
    json.dumps(report, allow_nan=False)
    assert [one["name"] for one in report["by_action"]] == ["a", "b"]
    assert sum(one["rows"] for one in report["by_channel"]) == manifest.rows["test"]
    assert {one["name"] for one in report["by_channel"]} == {"app", "web"}
    assert sum(one["rows"] for one in report["curve"]) == manifest.rows["test"]
    assert all(one["low"] <= one["happened"] <= one["high"] for one in report["curve"])
    assert report["importance"][0]["feature"] == "profile.visits"
    assert sum(one["gain"] for one in report["importance"]) == pytest.approx(1.0, abs=1e-5)
    assert report["metrics"] == manifest.metrics
    assert manifest.metrics["ece"] < 0.05


def test_the_stages_are_told_in_order_and_what_a_listener_raises_ends_the_training() -> None:
    heard: list[str] = []

    def hear(stage: str, done: int, of: int) -> None:
        assert 0 <= done <= of
        if stage not in heard:
            heard.append(stage)

    train(rows(), 5, watch=hear)
    assert tuple(heard) == STAGES

    def interrupt(stage: str, done: int, of: int) -> None:
        if stage == "growing" and done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(rows(), 5, watch=interrupt)


def test_numbers_are_learnt_in_their_unit_without_a_curve() -> None:
    given = columns()
    amount = 10.0 * given["profile.visits"] + 5.0 * given["channel.app"] + np.random.default_rng(2).normal(size=4_000)
    learnt = from_columns(given | {"label": amount}, FEATURES, "number")
    found = train(learnt, 5, target="value", objective="number")
    manifest = found.manifest
    assert (manifest.target, manifest.objective, manifest.calibration.kind) == ("value", "number", "none")
    assert manifest.metrics["r2"] > 0.95
    assert manifest.metrics["rmse"] < 0.3 * manifest.metrics["base_rmse"]
    assert "profile.visits" in manifest.features
    booster = Booster(found.model, manifest)
    test = split(learnt, 0.2, "number").test
    said = booster.predict(learnt.only(manifest.features).matrix[test])
    assert metrics.rmse(learnt.label[test], said) < 2.0
    json.dumps(found.report, allow_nan=False)
