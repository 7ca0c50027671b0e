"""Who is in which experiment: at most one per namespace, always the same, in the shares that the catalog says."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.experiments.building import experiment, experiments

from models import limits
from models.experiments.assignment import InForce, in_force, place
from models.experiments.definition import Experiments
from models.profile.learnt import Exposure

CUSTOMERS = [f"hh-{number}" for number in range(4_000)]
SHARES = st.lists(st.integers(0, 20), min_size=1, max_size=4)


def under(plan: Experiments, customer: str, kept: dict[str, Exposure] | None = None, channel: str = "web") -> InForce:
    return in_force(plan, kept or {}, customer, channel, None)


def exposure(variant: str, at_ms: int = 1, observed: bool = False) -> Exposure:
    return Exposure(variant, at_ms, at_ms + 1, observed, 0, 0)


def within_binomial(found: int, of: int, share: float) -> bool:
    """Five standard deviations: once in some million."""
    return abs(found - of * share) <= 5.0 * math.sqrt(of * share * (1.0 - share)) + 1e-9


@given(SHARES, st.text(max_size=20), st.sampled_from(["default", "other"]))
def test_a_customer_is_in_at_most_one_experiment_of_a_namespace(
    shares: list[int], customer: str, namespace: str
) -> None:
    plan = experiments(*(experiment(f"x{at}", share / 100, namespace=namespace) for at, share in enumerate(shares)))
    found = under(plan, customer)
    assert len(found) <= 1
    assert found == under(plan, customer)


@given(SHARES, st.integers(0, 20), st.text(max_size=20))
def test_an_experiment_behind_moves_nobody(shares: list[int], behind: int, customer: str) -> None:
    lines = [experiment(f"x{at}", share / 100) for at, share in enumerate(shares)]
    before = under(experiments(*lines), customer)
    after = under(experiments(*lines, experiment("new", behind / 100)), customer)
    assert before == () or after == before


def test_shares_and_weights_hold_within_what_chance_allows() -> None:
    plan = experiments(experiment("x", 0.2, (1, 3)), experiment("y", 0.5, (2, 0, 1)))
    found = [pair for customer in CUSTOMERS for pair in under(plan, customer)]
    for id_, share in (("x", 0.2), ("y", 0.5)):
        assert within_binomial(sum(pair[0] == id_ for pair in found), len(CUSTOMERS), share)
    for id_, variant, share in (("x", "b", 0.75), ("y", "a", 2 / 3), ("y", "b", 0.0)):
        members = [pair for pair in found if pair[0] == id_]
        assert within_binomial(members.count((id_, variant)), len(members), share)


def test_variants_of_one_experiment_say_nothing_of_those_of_another() -> None:
    plan = experiments(experiment("x", 1.0), experiment("y", 1.0, namespace="other"))
    both = [dict(under(plan, customer)) for customer in CUSTOMERS]
    for_x = [pairs for pairs in both if pairs["x"] == "b"]
    assert within_binomial(sum(pairs["y"] == "b" for pairs in for_x), len(for_x), 0.5)


@given(st.text(max_size=20), st.sampled_from("ab"), st.integers(0, 100), st.integers(0, 9), st.integers(1, 9))
def test_what_a_customer_was_exposed_to_holds_whatever_shares_and_weights_become(
    customer: str, variant: str, share: int, first: int, second: int
) -> None:
    plan = experiments(experiment("x", share / 100, (first, second)), experiment("y", 1.0 - share / 100))
    assert under(plan, customer, {"x": exposure(variant, observed=True)}) == (("x", variant),)


def test_of_two_experiments_that_came_into_one_namespace_the_first_holds() -> None:
    plan = experiments(experiment("x", 0.5), experiment("y", 0.5))
    assert under(plan, "hh-1", {"x": exposure("a", 7), "y": exposure("b", 3)}) == (("y", "b"),)


def test_a_variant_that_left_the_catalog_is_in_force_for_nobody_and_nobody_moves() -> None:
    assert under(experiments(experiment("x")), "hh-1", {"x": exposure("z")}) == ()


def test_nobody_held_out_is_under_an_experiment() -> None:
    plan = experiments(experiment("x"))
    assert in_force(plan, {"x": exposure("a")}, "hh-1", "web", "universal") == ()


def test_decisions_in_other_channels_are_not_concerned() -> None:
    plan = experiments(experiment("x", rest="channels: [web, app]"))
    assert [bool(under(plan, "hh-1", channel=channel)) for channel in ("web", "app", "email")] == [True, True, False]


def test_a_customer_with_too_many_experiments_enters_no_other() -> None:
    kept = {f"old{number}": exposure("a") for number in range(limits.EXPERIMENTS_PER_CUSTOMER_MAX)}
    plan = experiments(experiment("x"))
    assert under(plan, "hh-1", kept) == ()
    assert under(plan, "hh-1", dict(list(kept.items())[1:]) | {"x": exposure("b")}) == (("x", "b"),)


@pytest.mark.parametrize(("label", "expected"), [
    (("namespace", "default", "hh-1"), 0.28167943622071756), (("variant", "x", "hh-1"), 0.7362035204026828),
])
def test_places_never_change_between_versions(label: tuple[str, ...], expected: float) -> None:
    """Whoever was not exposed yet would fall elsewhere, and counts would mix."""
    assert place(*label) == expected
