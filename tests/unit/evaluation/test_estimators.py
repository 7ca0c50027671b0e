"""Estimators against simulations whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from unit.evaluation.worlds import world

from models.evaluation.direct import cross_fit, direct, fold_of
from models.evaluation.doubly_robust import doubly_robust
from models.evaluation.estimate import mean, quantile
from models.evaluation.ips import ips, snips
from models.evaluation.log import Log, in_order
from models.evaluation.report import evaluate
from models.evaluation.switch import best_threshold, switch_dr
from models.evaluation.weights import effective, weigh

LOGS = 240
ROUNDS = 400
TRUTH = world(400_000, 999).truth


@pytest.fixture(scope="module")
def many():
    """(ips, snips, dr with a right model, dr with a wrong one) of many logs."""
    found = []
    for seed in range(LOGS):
        one = world(ROUNDS, seed)
        log, weights = one.log(), weigh(one.log(), one.listed())
        right, wrong = one.predicted(one.mean), one.predicted(np.full(one.mean.shape, 0.9))
        found.append((
            ips(log, weights), snips(log, weights), doubly_robust(log, weights, right),
            doubly_robust(log, weights, wrong),
        ))
    return list(zip(*found, strict=True))


@pytest.mark.parametrize("which", range(4), ids=["ips", "snips", "dr", "dr with a wrong model"])
def test_an_estimate_is_right_on_average_and_its_standard_error_and_interval_are_true(many, which: int) -> None:
    values = np.array([one.value for one in many[which]])
    spread = values.std(ddof=1)
    assert abs(values.mean() - TRUTH) < 4 * spread / np.sqrt(LOGS)
    assert np.mean([one.se for one in many[which]]) == pytest.approx(spread, rel=0.15)
    covered = np.mean([one.interval[0] <= TRUTH <= one.interval[1] for one in many[which]])
    assert 0.90 <= covered <= 0.985


def test_a_good_model_makes_the_doubly_robust_estimate_steadier_than_weights_alone(many) -> None:
    plain, _, right, wrong = (np.var([one.value for one in estimates]) for estimates in many)
    assert right < 0.8 * plain
    assert wrong > right


def test_weights_of_the_log_on_itself_are_one_and_give_its_mean() -> None:
    one = world(500, 1)
    log, own = one.log(), replace(one, policy=one.logging).listed()
    weights = weigh(log, own)
    assert np.allclose(weights.whole, 1.0)
    assert ips(log, weights).value == pytest.approx(one.reward.mean(), rel=1e-12)
    assert snips(log, weights).value == pytest.approx(one.reward.mean(), rel=1e-12)
    assert effective(weights.whole) == pytest.approx(500)


def test_adding_a_constant_to_every_reward_adds_it_to_the_self_normalised_estimate() -> None:
    one = world(300, 2)
    log, weights = one.log(), weigh(one.log(), one.listed())
    shifted = snips(one.shifted(7.0).log(), weights)
    assert shifted.value == pytest.approx(snips(log, weights).value + 7.0, rel=1e-12)
    assert shifted.se == pytest.approx(snips(log, weights).se, rel=1e-9)
    assert ips(one.shifted(7.0).log(), weights).se > 3 * ips(log, weights).se


def test_the_trees_find_what_depends_on_context_and_without_it_the_direct_method_is_wrong() -> None:
    one = world(6_000, 3, keen=1.0, rich=1.5)
    seen, blind = (
        direct(one.log(context=context), cross_fit(one.log(context=context), one.listed()))
        for context in (True, False)
    )
    assert abs(seen.value - one.truth) < 0.1
    assert blind.value < one.truth - 3 * blind.se


def test_no_position_is_predicted_by_trees_that_saw_its_round() -> None:
    """A reward that nothing predicts: trees that had seen it would follow it."""
    one = world(400, 4)
    random = np.random.default_rng(5)
    amounts = replace(one, reward=random.normal(size=400), x=random.permutation(400).astype(np.float64))
    predicted = cross_fit(amounts.log(), amounts.listed())
    assert np.corrcoef(predicted.shown, amounts.reward)[0, 1] < 0.15
    log = amounts.log()
    twice = replace(log, round=log.round // 2, round_ids=range(200))
    fold = fold_of(twice, 10)
    assert np.array_equal(fold[::2], fold[1::2]), "the positions of a round lie in one fold"
    assert np.bincount(fold).tolist() == [40] * 10


def test_many_actions_are_told_apart_by_what_they_earned_elsewhere() -> None:
    """A hundred actions, of which every fifth earns; the policy shows those alone."""
    random, rounds, actions = np.random.default_rng(13), 8_000, 100
    shown = random.integers(0, actions, rounds)
    reward = (random.random(rounds) < np.where(shown % 5 == 0, 0.5, 0.1)).astype(np.float64)
    log = Log(
        range(rounds), [f"a{at}" for at in range(actions)], np.arange(rounds), shown, np.ones(rounds, np.int64), reward,
        np.full(rounds, 0.01), (), np.empty((rounds, 0), np.float32), np.ones(rounds),
    )
    good = np.arange(0, actions, 5)
    policy = in_order(np.repeat(np.arange(rounds), 20), np.tile(good, rounds), np.full(rounds * 20, 0.05))
    predicted = cross_fit(log, policy)
    assert abs(direct(log, predicted).value - 0.5) < 0.1
    noise = replace(log, reward=random.permutation(reward))
    assert abs(direct(noise, cross_fit(noise, policy)).value - reward.mean()) < 0.03


@pytest.mark.parametrize("scale", [1.0, 1_000.0], ids=["amounts", "large amounts"])
def test_rewards_need_not_be_zero_or_one(scale: float) -> None:
    one = world(2_000, 6)
    random = np.random.default_rng(7)
    paid = replace(one, reward=scale * (5.0 + 2.0 * one.mean[np.arange(2_000), one.shown] + random.normal(size=2_000)))
    truth = scale * (5.0 + 2.0 * one.truth)
    report = evaluate(paid.log(), paid.listed())
    for name in ("snips", "dr", "switch_dr"):
        estimate = report.estimates[name]
        assert abs(estimate.value - truth) < 4 * estimate.se, name
    assert report.estimates["dr"].se < 0.5 * report.estimates["ips"].se
    assert abs(report.estimates["dm"].value - truth) < 0.3 * scale


def test_switching_at_zero_is_the_direct_method_and_at_infinity_the_doubly_robust_estimate() -> None:
    one = world(500, 8)
    log, weights, predicted = one.log(), weigh(one.log(), one.listed()), one.predicted(0.8 * one.mean)
    assert switch_dr(log, weights, predicted, 0.0).value == pytest.approx(direct(log, predicted).value, rel=1e-12)
    assert switch_dr(log, weights, predicted, np.inf) == doubly_robust(log, weights, predicted)
    between = switch_dr(log, weights, predicted, float(np.median(weights.whole))).value
    assert between not in (direct(log, predicted).value, doubly_robust(log, weights, predicted).value)


def test_the_threshold_leaves_the_largest_weights_out_only_where_that_pays() -> None:
    one = world(2_000, 9)
    weights = weigh(one.log(), one.listed())
    assert best_threshold(one.log(), weights, one.predicted(one.mean)) == weights.largest
    logging = one.logging.copy()
    logging[3] = 1e-7  # one round in which something nearly impossible was shown
    rare = replace(one, logging=logging, reward=np.where(np.arange(2_000) == 3, 1.0, one.reward))
    assert best_threshold(rare.log(), weigh(rare.log(), rare.listed()), rare.predicted(one.mean)) < 1e3


def test_positions_of_one_round_are_not_taken_for_independent() -> None:
    """Every round twice, as two positions with the same reward: nothing more is known than before."""
    one = world(300, 10)
    log = one.log()
    double = Log(
        log.round_ids, log.action_ids, np.repeat(log.round, 2), np.repeat(log.action, 2), np.tile([1, 2], 300),
        np.repeat(log.reward, 2), np.repeat(log.selection, 2), (), np.empty((600, 0), np.float32), np.ones(600),
    )
    policy = one.listed()
    first, second = policy.position * 2, policy.position * 2 + 1
    doubled = in_order(
        np.concatenate((first, second)), np.tile(policy.action, 2), np.tile(policy.probability, 2)
    )
    once, twice = weigh(log, policy), weigh(double, doubled)
    for estimator in (ips, snips):
        assert estimator(double, twice).value == pytest.approx(estimator(log, once).value, rel=1e-12)
        assert estimator(double, twice).se == pytest.approx(estimator(log, once).se, rel=1e-12)
    report = evaluate(double, doubled)
    assert report.ess_rounds == pytest.approx(report.ess / 2, rel=1e-9)


def test_rounds_of_unlike_length_count_by_their_positions() -> None:
    log = Log(
        range(3), ("a",), np.array([0, 0, 0, 1, 2]), np.zeros(5, np.int64), np.array([1, 2, 3, 1, 1]),
        np.array([1.0, 1.0, 1.0, 0.0, 0.0]), np.ones(5), (), np.empty((5, 0), np.float32), np.ones(5),
    )
    found = mean(log, log.reward)
    assert found.value == pytest.approx(0.6)
    errors = np.array([3 * 0.4, -0.6, -0.6])
    assert found.se == pytest.approx(np.sqrt(3 / 2 * (errors**2).sum()) / 5)


def test_what_stands_above_weighs_a_position_exactly() -> None:
    """Two positions without repetition, of which the reward of the second depends on the first; the truth is summed."""
    logging, policy = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])
    second = np.array([[0.0, 0.9, 0.1], [0.5, 0.0, 0.3], [0.2, 0.6, 0.0]])  # [above][action]: chance of a reward

    def below(chances: np.ndarray, above: int) -> np.ndarray:
        left = np.where(np.arange(3) == above, 0.0, chances)
        return left / left.sum()

    truth = sum(policy[a] * below(policy, a)[b] * second[a, b] for a in range(3) for b in range(3))
    naive = sum(logging[a] * below(policy, a)[b] * second[a, b] for a in range(3) for b in range(3))
    random, rounds = np.random.default_rng(11), 40_000
    top = random.choice(3, rounds, p=logging)
    bottom = np.array([random.choice(3, rounds, p=below(logging, a)) for a in range(3)])[top, np.arange(rounds)]
    shown_by = np.array([below(logging, a) for a in range(3)])[top]
    chosen_by = np.array([below(policy, a) for a in range(3)])[top]
    log = Log(
        range(rounds), ("a", "b", "c"), np.arange(rounds), bottom, np.full(rounds, 2),
        (random.random(rounds) < second[top, bottom]).astype(np.float64), shown_by[np.arange(rounds), bottom],
        (), np.empty((rounds, 0), np.float32), (policy / logging)[top],
    )
    listed = in_order(np.repeat(np.arange(rounds), 3), np.tile(np.arange(3), rounds), chosen_by.ravel())
    for estimate in (ips(log, weigh(log, listed)), snips(log, weigh(log, listed))):
        assert abs(estimate.value - truth) < 4 * estimate.se
        assert abs(estimate.value - naive) > 5 * estimate.se


def test_showing_nothing_earns_nothing() -> None:
    one = world(4_000, 12)
    shy = replace(one, policy=0.5 * one.policy)
    log, weights = one.log(), weigh(one.log(), shy.listed())
    assert ips(log, weights).value == pytest.approx(0.5 * ips(log, weigh(log, one.listed())).value)
    found = snips(log, weights)
    assert abs(found.value - 0.5 * one.truth) < 4 * found.se


def test_intervals_of_few_parts_are_wider() -> None:
    assert quantile(9) == pytest.approx(2.2622, abs=0.002)
    assert quantile(100_000) == pytest.approx(1.96, abs=0.001)
