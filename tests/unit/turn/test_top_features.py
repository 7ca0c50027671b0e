"""What spoke for a candidate is told where a decision explains itself, and told again when it is decided again."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from simulation.desk import ME, OTHER, Desk
from simulation.shard import row_itself
from support.roles import crowned
from unit.turn.test_replay import replay

from models import canonical, limits
from models.errors import InvariantBroken
from models.profile.facts import Decided, from_wire, to_wire
from models.turn.top_features import rows_to_explain
from models.turn.wave_parts import WavePart

PLACES = (("hero", 1), ("strip", 3))


@pytest.fixture
def scored(desk: Desk) -> Desk:
    """A customer with two baskets, a scorer whose contributions are the row itself."""
    desk.shard.adopt([crowned("x1", ["profile.baskets", "profile.clicks", "action.value"])])
    desk.scorer = lambda part: (np.linspace(0.1, 0.9, part.rows, dtype=np.float32), False)
    desk.event()
    desk.event()
    return desk


def told(explanation: dict[str, Any]) -> dict[str, Any]:
    """Action -> its top features, of the ranked candidates."""
    return {c["action"]: c["top_features"] for c in explanation["candidates"] if "top_features" in c}


def newest(desk: Desk) -> Decided:
    fact = desk.facts()[-1]
    assert isinstance(fact, Decided)
    return fact


def test_a_decision_that_explains_itself_names_and_logs_what_contributed_most(scored: Desk) -> None:
    body = scored.decide("web", *PLACES, explain=True)
    assert told(body["explanation"])["gift"] == [["action.value", 4.0], ["baskets", 2.0]]
    logged = dict(newest(scored).top_features)
    assert logged["gift"] == (("action.value", 4.0), ("baskets", 2.0))
    assert set(told(body["explanation"])) <= set(logged)
    scored.shard.contribute = lambda rows: None
    assert scored.shard.check_reexecution() == 1


def test_without_its_logged_features_a_decision_would_not_come_out_the_same(scored: Desk) -> None:
    """Otherwise the re-execution proves nothing."""
    scored.decide("web", *PLACES, explain=True)
    (found,) = replay(scored)
    assert found.reexecute().reply == found.fact.reply
    bare = dataclasses.replace(found, fact=dataclasses.replace(found.fact, top_features=()))
    assert bare.reexecute().reply != found.fact.reply


def test_a_fact_from_before_features_were_logged_is_read(scored: Desk) -> None:
    scored.decide("web", *PLACES, explain=True)
    fact = newest(scored)
    wire = canonical.unpack(canonical.pack(to_wire(fact)))
    assert from_wire(wire) == fact
    before_fates = wire[:-2]
    without_fates = dataclasses.replace(fact, fates=b"")
    assert from_wire(before_fates) == without_fates
    assert from_wire(before_fates[:-1]) == without_fates
    assert from_wire(before_fates[:-2]) == dataclasses.replace(without_fates, top_features=())


def test_a_dry_run_and_an_explanation_name_them_too(scored: Desk) -> None:
    dry = scored.decide("web", *PLACES, explain=True, dry_run=True)
    explained = scored.explain("web", *PLACES)
    assert told(dry["explanation"])["gift"] == told(explained)["gift"] == [["action.value", 4.0], ["baskets", 2.0]]


def test_a_decision_that_does_not_explain_itself_asks_for_nothing(scored: Desk) -> None:
    asked: list[int] = []

    def scorer(part: WavePart) -> Any:
        scores = np.full(part.rows, 0.5, np.float32)
        asked.append(part.to_explain(scores).size)
        return scores, False

    scored.scorer = scorer
    scored.decide("web", *PLACES)
    assert asked == [0]
    assert newest(scored).top_features == ()


def test_each_decision_of_a_wave_gets_its_own(scored: Desk) -> None:
    scored.event(customer=OTHER)
    bodies = scored.send(
        scored.decision_command("web", *PLACES), scored.decision_command("web", *PLACES, customer=OTHER, explain=True),
        scored.decision_command("desk", ("script", 2), customer=ME, explain=True),
    )
    assert told(bodies[1]["explanation"])["gift"] == [["action.value", 4.0], ["baskets", 1.0]]
    assert told(bodies[2]["explanation"])["help"] == [["baskets", 2.0], ["action.value", 1.0]]


@pytest.mark.parametrize("degraded", [False, True])
def test_without_contributions_or_scores_explanations_name_no_features(scored: Desk, degraded: bool) -> None:
    scored.shard.contribute = lambda rows: None
    if degraded:
        scored.scorer = lambda wave: (None, True)
    features = told(scored.decide("web", *PLACES, explain=True)["explanation"])
    assert features
    assert not any(features.values())


def test_contributions_of_other_rows_are_refused(scored: Desk) -> None:
    scored.shard.contribute = lambda rows: row_itself(rows)[1:]
    with pytest.raises(InvariantBroken, match="contributions of shape"):
        scored.decide("web", *PLACES, explain=True)


def test_only_the_best_candidates_are_explained_and_decisions_share_the_room() -> None:
    many = limits.EXPLAINED_ROWS_MAX
    scores = np.arange(3 * many, dtype=np.float32)
    alone = rows_to_explain([(many, False), (2 * many, True)], scores)
    assert alone.tolist() == list(range(2 * many, 3 * many))
    shared = rows_to_explain([(many, True), (many, False), (many, True)], scores)
    assert shared.tolist() == [*range(many // 2, many), *range(2 * many + many // 2, 3 * many)]
    assert rows_to_explain([(1, True)] * 3 * many, scores).size == many
    assert rows_to_explain([(3 * many, True)], None).size == 0
