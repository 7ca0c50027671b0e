"""Scores of targets as commands of the shard itself: what is news is logged, for whom and by whom it was worked out."""

from __future__ import annotations

from typing import Any

import pytest
from simulation.catalog import other_plan
from simulation.desk import ME, OTHER, Desk
from simulation.shard import key_of
from simulation.world import with_targets
from support.roles import adopted, champion

from models.limits import SCORES_OLD_MS
from models.profile.facts import ScoresRefreshed
from models.turn.refreshing import refresh_command
from models.turn.shard_facts import CatalogAdopted


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """Under the catalog with targets, with a scorer for each."""
    desk.shard.adopt([CatalogAdopted(other_plan().version, dict(other_plan().catalog))])
    desk.shard.adopt([adopted(with_targets(champion(None)))])
    desk.event()
    return desk


def refresh(desk: Desk, customer: str = ME, generation: int = 1, version: str = "eager-1", **values: Any) -> int:
    scores = [(id_, value, version if id_ == "eagerness" else "channel-1") for id_, value in values.items()]
    (told,) = desk.send(refresh_command(key_of(customer), generation, scores))
    return int(told["refreshed"])


def logged(desk: Desk) -> list[tuple[tuple[str, float | str, str], ...]]:
    return [fact.scores for fact in desk.facts() if isinstance(fact, ScoresRefreshed)]


def test_news_is_logged_and_rules_read_it(desk: Desk) -> None:
    version = desk.read()["state_version"]
    assert refresh(desk, eagerness=0.75, best_channel="push") == 2
    told = desk.read()
    assert "eager" in told["segments"]
    assert told["state_version"] == version + 1
    assert {target: score["value"] for target, score in told["scores"].items()} == {
        "eagerness": 0.75, "best_channel": "push",
    }
    assert logged(desk) == [(("eagerness", 0.75, "eager-1"), ("best_channel", "push", "channel-1"))]


def test_what_says_the_same_is_logged_again_only_when_it_is_old(desk: Desk) -> None:
    refresh(desk, eagerness=0.75, best_channel="push")
    assert refresh(desk, eagerness=0.75, best_channel="web") == 1
    assert logged(desk)[1:] == [(("best_channel", "web", "channel-1"),)]
    desk.pass_time(SCORES_OLD_MS - 1)
    assert refresh(desk, eagerness=0.75) == 0
    desk.pass_time(1)
    assert refresh(desk, eagerness=0.75) == 1


def test_another_customer_than_was_asked_about_gets_nothing(desk: Desk) -> None:
    assert refresh(desk, OTHER, eagerness=0.75) == 0
    desk.erase()
    assert refresh(desk, eagerness=0.75) == 0
    desk.event()
    assert refresh(desk, eagerness=0.75) == 0, "the new one is of the second generation"
    assert refresh(desk, generation=2, eagerness=0.75) == 1
    assert len(logged(desk)) == 1


def test_a_scorer_that_was_replaced_and_a_target_that_is_gone_say_nothing(desk: Desk) -> None:
    assert refresh(desk, version="eager-0", eagerness=0.75, best_channel="push") == 1
    assert refresh(desk, unheard_of=1.0) == 0
    desk.shard.adopt([adopted(champion(None))])
    assert refresh(desk, eagerness=0.75) == 0
    assert logged(desk) == [(("best_channel", "push", "channel-1"),)]


def test_a_decision_reads_the_scores_of_its_own_turn_before_it_and_comes_out_the_same_again(desk: Desk) -> None:
    scores = [("eagerness", 0.75, "eager-1")]
    told = desk.send(desk.decision_command("desk", ("script", 2)), refresh_command(key_of(ME), 1, scores))
    later = desk.decide("desk", ("script", 2))
    assert told[0]["state_version"] + 2 == later["state_version"]
