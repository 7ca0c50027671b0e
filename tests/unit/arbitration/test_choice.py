"""Who takes a position: weights that add up, probabilities that are kept, draws that follow them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.arbitration.choice import METHODS, Beliefs, best_chances, choose, probabilities
from models.catalog.plan import Exploration
from models.errors import InvariantBroken
from models.randomness import draw

PRIORITIES = st.lists(st.floats(0.0, 1e6), min_size=1, max_size=30).map(lambda found: sorted(found, reverse=True))
EXPLORATIONS = st.builds(
    Exploration, st.sampled_from(sorted(METHODS)), st.floats(0.0, 1e6), st.floats(0.0, 1.0)
)


def beliefs_in(priorities: list[float]) -> Beliefs:
    """Propensities that fall with the place, and every third action hardly known."""
    places = np.arange(len(priorities))
    return Beliefs(0.4 / (1.0 + places), np.where(places % 3 == 2, 20.0, 400.0), 1.0)


@given(EXPLORATIONS, PRIORITIES)
def test_probabilities_add_up_to_one_and_none_is_negative(exploration: Exploration, priorities: list[float]) -> None:
    found = probabilities(exploration, priorities, beliefs_in(priorities))
    assert sum(found) == pytest.approx(1.0)
    assert min(found) >= -1e-12


@given(EXPLORATIONS, PRIORITIES, st.floats(0.0, 1.0, exclude_max=True))
def test_what_is_chosen_never_has_probability_zero(
    exploration: Exploration, priorities: list[float], drawn: float
) -> None:
    beliefs = beliefs_in(priorities)
    at, probability = choose(exploration, priorities, drawn, beliefs)
    assert 0.0 < probability <= 1.0 + 1e-12
    assert probability == probabilities(exploration, priorities, beliefs)[at]


def test_inverse_gap_weighting_is_the_formula_of_the_design() -> None:
    exploration = Exploration("inverse_gap", 200.0, 0.1)
    second = 1 / (3 + 200 * 0.5)
    third = 1 / (3 + 200 * 1.0)
    assert probabilities(exploration, [2.0, 1.0, 0.0]) == pytest.approx(
        [0.9 + 0.1 * (1 - second - third), 0.1 * second, 0.1 * third]
    )


def test_priorities_of_zero_are_explored_uniformly() -> None:
    assert probabilities(Exploration("inverse_gap", 200.0, 1.0), [0.0] * 4) == pytest.approx([0.25] * 4)


def test_without_exploration_the_best_is_certain() -> None:
    assert probabilities(Exploration("none", 200.0, 0.5), [3.0, 2.0]) == [1.0, 0.0]


def test_epsilon_explores_its_share_uniformly() -> None:
    assert probabilities(Exploration("epsilon", 0.0, 0.2), [3.0, 2.0]) == pytest.approx([0.9, 0.1])


@pytest.mark.parametrize("method", sorted(METHODS))
def test_draws_follow_the_probabilities(method: str) -> None:
    exploration, priorities, rounds = Exploration(method, 4.0, 0.5), [3.0, 2.0, 1.0, 0.0], 20_000
    beliefs = beliefs_in(priorities)
    drawn = Counter(choose(exploration, priorities, draw(b"seed", "hero", n), beliefs)[0] for n in range(rounds))
    for at, chance in enumerate(probabilities(exploration, priorities, beliefs)):
        deviation = (chance * (1 - chance) / rounds) ** 0.5
        assert abs(drawn[at] / rounds - chance) <= 5 * deviation


@given(EXPLORATIONS, st.lists(PRIORITIES, min_size=1, max_size=6))
def test_the_best_of_many_decisions_has_the_chance_that_it_has_alone(
    exploration: Exploration, decisions: list[list[float]]
) -> None:
    """To the bit: what a wave works out at once is replayed one by one."""
    sizes = np.array([len(priorities) for priorities in decisions])
    alone = [beliefs_in(priorities) for priorities in decisions]
    beliefs = Beliefs(
        np.concatenate([one.propensities for one in alone]), np.concatenate([one.contacts for one in alone]), 1.0
    )
    flat = np.array([one for priorities in decisions for one in priorities])
    together = best_chances(exploration, flat, sizes, beliefs)
    assert together.tolist() == [
        probabilities(exploration, priorities, one)[0] for priorities, one in zip(decisions, alone, strict=True)
    ]


def test_thompson_explores_its_share_by_the_chance_to_be_the_best() -> None:
    beliefs = Beliefs(np.array([0.1, 0.1]), np.array([20.0, 20.0]), 1.0)
    assert probabilities(Exploration("thompson", 0.0, 0.2), [3.0, 3.0], beliefs) == pytest.approx([0.9, 0.1])


def test_thompson_without_beliefs_is_an_error_and_no_guess() -> None:
    with pytest.raises(InvariantBroken, match="without beliefs"):
        probabilities(Exploration("thompson", 0.0, 0.2), [3.0, 2.0])
