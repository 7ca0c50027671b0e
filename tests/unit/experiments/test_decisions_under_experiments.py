"""Decisions of customers in experiments: who is exposed, what is kept, what is counted, what is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from simulation.catalog import catalog
from simulation.counted import recount
from simulation.desk import HELD_OUT, OTHER, Desk, items

from models import limits
from models.catalog.check import check_data
from models.experiments.counting import Tally, from_row
from models.profile import packing
from models.profile.facts import Decided, ExperimentObserved
from models.turn.shard_facts import CatalogAdopted

HOUR = limits.HOUR_MS


def experiment(id_: str = "x", weights: tuple[int, ...] = (1, 1), **changes: Any) -> dict[str, Any]:
    """Every customer's; its second variant shows the best of all and nothing else."""
    variants: list[dict[str, Any]] = [{"id": chr(97 + at), "weight": weight} for at, weight in enumerate(weights)]
    variants[1]["arbitration"] = {"exploration": {"method": "none"}}
    return {"id": id_, "share": 1.0, "observe": "3h", "variants": variants, **changes}


def publish(desk: Desk, *experiments: dict[str, Any]) -> None:
    plan = check_data(catalog() | {"experiments": list(experiments)})
    desk.shard.adopt([CatalogAdopted(plan.version, dict(plan.catalog))])


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    publish(desk, experiment(weights=(0, 1)))
    yield desk
    desk.check()
    counted = counts(desk)
    assert {key: tally._asdict() for key, tally in counted.items()} == {
        key: {name: sums[name] for name in Tally._fields} for key, sums in recount(desk.shard.rows()).items()
    }


def counts(desk: Desk) -> dict[tuple[str, str], Tally]:
    return dict(from_row(row) for row in desk.shard.core.state.experiments.changes_since(0))


def test_the_first_decision_exposes_and_the_second_does_not(desk: Desk) -> None:
    assert [desk.decide()["experiments"] for _ in range(2)] == [{"x": "b"}] * 2
    assert counts(desk) == {("x", "b"): Tally(assigned=1)}
    assert [fact.exposures for fact in desk.facts() if isinstance(fact, Decided)] == [(("x", "b"),)] * 2


def test_dry_runs_and_explanations_show_the_variant_and_expose_nobody(desk: Desk) -> None:
    assert desk.explain()["experiments"] == {"x": "b"}
    assert desk.decide(dry_run=True, explain=True)["explanation"]["experiments"] == {"x": "b"}
    assert counts(desk) == {}
    assert desk.profile() is None


def test_nobody_held_out_is_exposed(desk: Desk) -> None:
    assert "experiments" not in desk.decide(customer=HELD_OUT)
    assert counts(desk) == {}


def test_other_channels_expose_nobody(desk: Desk) -> None:
    publish(desk, experiment(channels=["desk"]))
    assert "experiments" not in desk.decide("web")
    assert "experiments" in desk.decide("desk", ("script", 1))


def test_a_profile_shows_its_experiments(desk: Desk) -> None:
    desk.decide()
    assert desk.read()["experiments"] == {"x": {
        "variant": "b", "since": "2026-01-01T00:00:00Z", "until": "2026-01-01T03:00:00Z", "observed": False,
    }}
    desk.pass_time(3 * HOUR)
    desk.tick()
    assert desk.read()["experiments"]["x"]["observed"] is True


def test_an_assignment_holds_when_weights_and_shares_change(desk: Desk) -> None:
    desk.decide()
    publish(desk, experiment(weights=(1, 0), share=0.0))
    assert desk.decide()["experiments"] == {"x": "b"}
    assert "experiments" not in desk.decide(customer=OTHER)


def test_an_assignment_survives_a_restart_from_packed_state(desk: Desk) -> None:
    desk.decide()
    desk.shard.save_checkpoint()
    desk.shard.start()
    publish(desk, experiment(weights=(1, 0)))
    assert desk.decide()["experiments"] == {"x": "b"}


def test_what_a_customer_accepts_within_the_time_is_one_observation(desk: Desk) -> None:
    (chosen,) = items(desk.decide("web", ("hero", 1)))
    desk.outcome("impression", chosen)
    desk.outcome("accept", chosen, value=2.5)
    desk.outcome("convert", chosen, value=1.25)
    assert counts(desk)["x", "b"] == Tally(1, 1, 1)
    desk.pass_time(3 * HOUR - 1)
    desk.tick()
    assert counts(desk)["x", "b"].observed == 0
    desk.pass_time(1)
    desk.tick()
    assert counts(desk)["x", "b"] == Tally(1, 1, 1, 1, 1, 1, 3_750_000, 3_750_000**2)


def test_an_outcome_at_the_end_of_the_time_is_too_late_for_the_observation(desk: Desk) -> None:
    (chosen,) = items(desk.decide("web", ("hero", 1)))
    desk.pass_time(3 * HOUR)
    desk.outcome("accept", chosen, value=2.5)
    assert counts(desk)["x", "b"] == Tally(1, 0, 0, 1)


def test_contacts_from_before_the_exposure_count_for_nothing(desk: Desk) -> None:
    publish(desk, experiment(channels=["desk"], weights=(0, 1)))
    (before,) = items(desk.decide("web", ("hero", 1)))
    desk.pass_time(1)
    desk.decide("desk", ("script", 1))
    desk.outcome("accept", before)
    assert counts(desk)["x", "b"] == Tally(assigned=1)


def test_a_repeated_outcome_is_counted_once(desk: Desk) -> None:
    (chosen,) = items(desk.decide("web", ("hero", 1)))
    command = desk.outcome_command("accept", chosen)
    desk.send(command, command)
    desk.shard.save_checkpoint()
    desk.shard.start()
    desk.send(command)
    assert counts(desk)["x", "b"] == Tally(1, 1, 1)


def test_an_experiment_that_left_is_observed_to_its_end_and_then_forgotten(desk: Desk) -> None:
    desk.decide()
    publish(desk)
    assert "experiments" not in desk.decide()
    profile = desk.profile()
    assert profile is not None
    assert "x" in profile.experiments
    desk.pass_time(3 * HOUR)
    desk.tick()
    profile = desk.profile()
    assert profile is not None
    assert profile.experiments == {}
    assert counts(desk)["x", "b"].observed == 1


def test_one_that_was_observed_is_kept_until_its_experiment_leaves(desk: Desk) -> None:
    desk.decide()
    desk.pass_time(3 * HOUR)
    assert desk.decide()["experiments"] == {"x": "b"}
    publish(desk)
    desk.decide()
    profile = desk.profile()
    assert profile is not None
    assert profile.experiments == {}
    assert counts(desk)["x", "b"][:4] == (1, 0, 0, 1)


def test_an_erasure_takes_the_exposure_along_and_leaves_the_counts(desk: Desk) -> None:
    desk.decide()
    desk.erase()
    desk.pass_time(4 * HOUR)
    desk.tick()
    assert counts(desk)["x", "b"] == Tally(assigned=1)
    assert not any(isinstance(fact, ExperimentObserved) for fact in desk.facts())
    desk.decide()
    assert counts(desk)["x", "b"] == Tally(assigned=2)


def test_an_unpacked_profile_has_the_timers_of_its_experiments(desk: Desk) -> None:
    desk.decide()
    profile = desk.profile()
    assert profile is not None
    assert packing.unpack(packing.pack(profile)) == profile
    assert ("", "x") in profile.timers


def test_two_commands_of_one_turn_expose_once(desk: Desk) -> None:
    desk.send(desk.decision_command(), desk.decision_command())
    assert counts(desk) == {("x", "b"): Tally(assigned=1)}


def test_sums_are_clipped_and_hold_what_64_bits_do_not(desk: Desk) -> None:
    (chosen,) = items(desk.decide("web", ("hero", 1)))
    desk.outcome("convert", chosen, value=1e12)
    desk.pass_time(3 * HOUR)
    desk.tick()
    most = limits.EXPERIMENT_VALUE_MICROS_MAX
    assert counts(desk)["x", "b"][6:] == (most, most**2)
