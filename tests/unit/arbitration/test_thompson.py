"""The chance to come out best, worked out: against draws, a much finer rule, and what is known without either."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import beta

from models import limits
from models.arbitration import thompson
from models.arbitration.thompson import ERROR, chances_to_lead

Numbers = NDArray[np.float64]
Field = tuple[Numbers, Numbers, Numbers, float]


def field(means: Any, contacts: Any, rest: Any = 1.0, exponent: float = 1.0) -> Field:
    """Priorities, propensities, contacts, exponent of candidates, best first."""
    means, contacts, rest = np.broadcast_arrays(np.asarray(means, float), np.asarray(contacts, float), rest)
    priorities = means**exponent * rest
    order = np.argsort(-priorities, kind="stable")
    return priorities[order], means[order].copy(), contacts[order].copy(), exponent


def random_field(rng: np.random.Generator) -> Field:
    """Of 2 to 20: new and long-known, likely and unlikely, of like and of unlike worth."""
    count = int(rng.integers(2, 21))
    means = [
        rng.uniform(0.01, 0.4, count), 10 ** rng.uniform(-4, -0.3, count), 0.05 * rng.uniform(0.9, 1.1, count),
        rng.uniform(0.5, 1.0, count),
    ][rng.integers(4)]
    contacts = [20 + 10 ** rng.uniform(0, 6, count), np.full(count, 20.0), rng.uniform(1, 5, count)][rng.integers(3)]
    rest = [np.ones(count), 10 ** rng.uniform(-1, 1, count), rng.choice([1.0, 2.0, 5.0], count)][rng.integers(3)]
    return field(means, contacts, rest, float(rng.choice([0.5, 1.0, 2.0])))


def finer(one: Field, monkeypatch: pytest.MonkeyPatch) -> Numbers:
    """By the same rule on a grid 40 times as fine."""
    with monkeypatch.context() as patch:
        patch.setattr(thompson, "_FIRST", np.linspace(0.0, 1.0, 1_025) ** 2)
        patch.setattr(thompson, "_LEVELS", (1.0 - np.cos(np.linspace(0.0, np.pi, 4_001))) / 2.0)
        return thompson._chances(*one)


def test_no_chance_is_off_by_more_than_is_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(11)
    worst = 0.0
    for _ in range(60):
        one = random_field(rng)
        worst = max(worst, float(abs(chances_to_lead(*one) - finer(one, monkeypatch)).max()))
    assert worst < ERROR


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_draws_come_out_as_often(exponent: float) -> None:
    one = field(
        [0.02, 0.05, 0.1, 0.3, 0.5, 0.97, 0.05], [20, 50, 1_000, 30, 2, 40, 1], [6.0, 4.0, 2.0, 1.0, 0.6, 0.55, 3.0],
        exponent,
    )
    priorities, means, contacts, _ = one
    rounds = 400_000
    thetas = np.random.default_rng(5).beta(means * contacts, (1 - means) * contacts, (rounds, len(means)))
    winners = (thetas**exponent * (priorities / means**exponent)).argmax(axis=1)
    drawn = np.bincount(winners, minlength=len(means)) / rounds
    chances = chances_to_lead(*one)
    assert (abs(drawn - chances) <= ERROR + 5 * np.sqrt(chances * (1 - chances) / rounds)).all()


def test_of_two_the_chance_is_the_integral() -> None:
    """theta_1 > 2 theta_2: by adaptive quadrature of one density against the other's distribution."""
    first, second = beta(0.1 * 60, 0.9 * 60), beta(0.06 * 30, 0.94 * 30)
    exact, _ = quad(lambda x: first.pdf(x) * second.cdf(x / 2.0), 0.0, 1.0, epsabs=1e-12, limit=500)
    priorities, means, contacts = np.array([0.12, 0.1]), np.array([0.06, 0.1]), np.array([30.0, 60.0])
    chances = chances_to_lead(priorities, means, contacts, 1.0)
    assert chances == pytest.approx([1.0 - exact, exact], abs=ERROR / 4)


@given(
    st.integers(1, limits.THOMPSON_CONTENDERS_MAX), st.floats(1e-4, 0.999), st.floats(0.5, 1e6),
    st.sampled_from([0.5, 1.0, 3.0]),
)
def test_candidates_that_are_alike_share_equally(count: int, mean: float, contacts: float, exponent: float) -> None:
    chances = chances_to_lead(*field(np.full(count, mean), contacts, 2.0, exponent))
    assert chances == pytest.approx(np.full(count, 1.0 / count), rel=1e-12)


def test_one_alone_is_certain_to_lead() -> None:
    assert chances_to_lead(*field([0.05], 20.0)).tolist() == [1.0]


def test_where_the_propensity_is_switched_off_only_the_best_lead() -> None:
    priorities, means = np.array([2.0, 2.0, 1.0]), np.array([0.1, 0.9, 0.9])
    assert chances_to_lead(priorities, means, np.full(3, 20.0), 0.0).tolist() == [0.5, 0.5, 0.0]


def test_a_priority_of_zero_never_leads_unless_all_are_zero() -> None:
    contacts = np.full(3, 20.0)
    some = chances_to_lead(np.array([0.2, 0.1, 0.0]), np.array([0.2, 0.1, 0.5]), contacts, 1.0)
    assert some[2] == 0.0
    assert some.sum() == pytest.approx(1.0, abs=1e-12)
    assert chances_to_lead(np.zeros(3), np.array([0.0, 0.1, 0.5]), contacts, 1.0) == pytest.approx(np.full(3, 1 / 3))


def test_whoever_is_certain_to_accept_leads_what_is_worth_less() -> None:
    certain = field([1.0, 0.9], [20.0, 20.0], [1.0, 0.5])
    assert chances_to_lead(*certain).tolist() == [1.0, 0.0]


def test_a_new_action_is_tried_more_than_a_known_one_of_the_same_propensity() -> None:
    known, new = chances_to_lead(np.array([0.05, 0.0499]), np.array([0.05, 0.0499]), np.array([1e5, 20.0]), 1.0)
    assert 0.3 < new < known


def test_whoever_is_left_out_has_exactly_no_chance_and_the_others_still_add_up() -> None:
    chances = chances_to_lead(*field([0.3, 0.29, 0.1], [1e5, 1e5, 1e5]))
    assert chances[2] == 0.0
    assert 0.0 < chances[1] < 1e-3
    assert chances.sum() == pytest.approx(1.0, abs=1e-12)


def test_of_a_thousand_candidates_as_many_compete_as_the_limit_says() -> None:
    rng = np.random.default_rng(2)
    means, contacts = rng.uniform(0.04, 0.06, 1_000), rng.choice([20.0, 200.0, 2_000.0], 1_000)
    one = field(means, contacts)
    chances = chances_to_lead(*one)
    kept = np.flatnonzero(chances)
    assert len(kept) == limits.THOMPSON_CONTENDERS_MAX
    assert chances.sum() == pytest.approx(1.0, abs=1e-12)
    _, means, contacts, _ = one
    reach = beta.ppf(1.0 - 1e-9, means * contacts, (1.0 - means) * contacts)
    assert reach[kept].min() >= np.delete(reach, kept).max()


@given(st.integers(0, 10_000))
def test_whatever_the_field_chances_are_no_less_than_zero_and_add_up_to_one(seed: int) -> None:
    chances = chances_to_lead(*random_field(np.random.default_rng(seed)))
    assert (chances >= 0.0).all()
    assert chances.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("weight", [1e-3, 1e-1])
def test_posteriors_that_are_hardly_more_than_heads_or_tails_still_add_up(weight: float) -> None:
    chances = chances_to_lead(*field([0.001, 0.05, 0.5, 0.999], weight, [3.0, 2.0, 1.0, 1.0]))
    assert (chances >= 0.0).all()
    assert chances.sum() == pytest.approx(1.0, abs=1e-12)
