"""Champion and canary in one turn: each scores its own customers, and each alone may fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from simulation.desk import Desk
from support.roles import adopted, besides, champion, crowned

from models.errors import InvariantBroken
from models.profile.facts import Decided
from models.scoring.roles import is_canary
from models.turn.wave_parts import UNSCORED, WavePart

CUSTOMERS = [f"somebody-{number}" for number in range(12)]
HALF = 500_000
NEW = {customer for customer in CUSTOMERS if is_canary("new", HALF, customer)}
#: What each scorer says of everybody.
SAYS = {"old": 0.25, "new": 0.75}


@pytest.fixture
def mixed(desk: Desk) -> Desk:
    roles = champion("old", ["profile.baskets", "action.value"])
    desk.shard.adopt([adopted(besides(roles, "new", HALF, ["action.lever"]))])
    desk.scorer = says
    return desk


def says(part: WavePart) -> tuple[NDArray[np.float32] | None, bool]:
    assert part.version is not None
    return np.full(part.rows, SAYS[part.version], np.float32), False


def all_decide(desk: Desk) -> dict[str, Any]:
    """One turn; decisions by customer."""
    bodies = desk.send(*(desk.decision_command("web", ("hero", 1), customer=customer) for customer in CUSTOMERS))
    return dict(zip(CUSTOMERS, bodies, strict=True))


def propensities(body: Any) -> set[float]:
    return {item["propensity"] for part in body["placements"] for item in part["items"] if not item["fallback"]}


def test_each_customer_is_scored_by_the_scorer_of_its_own_and_answers_name_it(mixed: Desk) -> None:
    assert 0 < len(NEW) < len(CUSTOMERS)
    for customer, body in all_decide(mixed).items():
        expected = "new" if customer in NEW else "old"
        assert body["scorer_version"] == expected
        assert propensities(body) <= {SAYS[expected]}
    logged = [fact for fact in mixed.facts() if isinstance(fact, Decided)]
    assert {(len(fact.vector), fact.scorer_version) for fact in logged} == {(4, "old"), (0, "new")}


def test_a_wave_asks_each_scorer_once_for_all_its_rows(mixed: Desk) -> None:
    asked: list[tuple[str | None, int, int]] = []

    def scorer(part: WavePart) -> tuple[NDArray[np.float32] | None, bool]:
        asked.append((part.version, len(part.decisions), part.matrix.shape[1]))
        return says(part)

    mixed.scorer = scorer
    all_decide(mixed)
    assert sorted(asked) == [("new", len(NEW), 1), ("old", len(CUSTOMERS) - len(NEW), 2)]  # type: ignore[type-var]


def test_a_scorer_that_does_not_answer_degrades_its_own_decisions_alone(mixed: Desk) -> None:
    mixed.scorer = lambda part: (None, True) if part.version == "new" else says(part)
    for customer, body in all_decide(mixed).items():
        assert body["degraded"] == (customer in NEW)
        assert body["scorer_version"] == ("new" if customer in NEW else "old")


def test_units_are_taken_in_the_order_of_the_turn_whoever_scores(mixed: Desk) -> None:
    """Otherwise the scorers' order would decide who gets the last unit."""
    together = all_decide(mixed)
    alone = Desk()
    roles = champion("old", ["profile.baskets", "action.value"])
    alone.shard.adopt([adopted(besides(roles, "new", HALF, ["action.lever"]))])
    alone.scorer = says
    for customer in CUSTOMERS:
        (body,) = alone.send(alone.decision_command("web", ("hero", 1), customer=customer))
        shown = [[item["action"] for item in part["items"]] for part in body["placements"]]
        assert shown == [[item["action"] for item in part["items"]] for part in together[customer]["placements"]]


def test_a_canary_that_does_not_fit_the_catalog_leaves_its_customers_to_the_champion(desk: Desk) -> None:
    roles = champion("old", ["action.value"])
    desk.shard.adopt([adopted(besides(roles, "new", 1_000_000, ["profile.unheard_of"]))])
    desk.scorer = says
    assert {body["scorer_version"] for body in all_decide(desk).values()} == {"old"}


def test_a_canary_decides_where_there_is_no_champion(desk: Desk) -> None:
    desk.shard.adopt([adopted(besides(champion(None), "new", HALF, ["action.value"]))])
    desk.scorer = lambda part: (None, False) if part.version is None else says(part)
    told = {customer: body["scorer_version"] for customer, body in all_decide(desk).items()}
    assert told == {customer: "new" if customer in NEW else None for customer in CUSTOMERS}


def test_every_part_of_a_wave_is_answered_for(mixed: Desk) -> None:
    commands = [mixed.decision_command(customer=customer) for customer in CUSTOMERS]
    nobody = {command.customer: None for command in commands}
    turn = mixed.shard.core.begin(commands, nobody, {}, mixed.shard.wall_ms, b"s" * 16)
    wave = turn.next_wave()
    assert wave is not None
    with pytest.raises(ValueError, match="shorter"):
        turn.resolve(wave, [UNSCORED])
    short = [(np.zeros(part.rows - 1, np.float32), part) for part in wave.parts]
    with pytest.raises(InvariantBroken, match="scores for"):
        turn.resolve(wave, [type(UNSCORED)(scores, False) for scores, _ in short])


def test_what_was_shown_is_left_for_shadows_and_for_nobody_else(desk: Desk) -> None:
    def to_shadow() -> Any:
        commands = [desk.decision_command("web", ("hero", 1), ("strip", 2), customer="somebody", dry_run=dry_run)
                    for dry_run in (False, True)]
        turn = desk.shard.core.begin(
            commands, {commands[0].customer: None}, {}, desk.shard.wall_ms, desk.shard._next_seed()
        )
        while (wave := turn.next_wave()) is not None:
            turn.resolve(wave, [UNSCORED for _ in wave.parts])
        return turn.finish()

    assert to_shadow().to_shadow is None
    shadowed = crowned("old", ["action.value"])
    shadowed.roles[4] = ["shade"]
    shadowed.roles[7]["shade"] = {"features": ["profile.baskets", "action.value"]}
    desk.shard.adopt([shadowed])
    result = to_shadow()
    (fact,) = result.decided
    (shown,) = result.to_shadow.decisions
    items = [item for item in fact.items if not item.fallback]
    assert shown.decision_id == fact.decision_id
    assert list(shown.actions) == [item.action for item in items]
    plan = result.to_shadow.plan
    matrix = result.to_shadow.matrix(desk.shard.core.state.layouts["shade"])
    values = [plan.actions[plan.action_index[item.action]].value for item in items]
    assert matrix[:, 1].tolist() == pytest.approx(values)
    assert matrix[:, 0].tolist() == [0.0] * len(items)
