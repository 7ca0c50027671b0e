"""Seeds of random traffic, crashes and disk faults. A seed that fails once fails always: put it among ``KNOWN``."""

from __future__ import annotations

import pytest
from simulation.catalog import CUSTOMERS
from simulation.oracle import check_budgets
from simulation.workload import command_of
from simulation.world import World

from models import limits
from models.profile.facts import Decided
from models.turn.commands import TICK

SEEDS = range(240)
STEPS = 25


@pytest.mark.parametrize("block", range(10))
def test_no_seed_breaks_a_promise(block: int) -> None:
    for seed in SEEDS[block::10]:
        world = World(seed)
        for _ in range(STEPS):
            world.step()
        world.finish()


@pytest.mark.parametrize("seed", range(10))
def test_units_held_by_nobody_return_when_time_passes(seed: int) -> None:
    world = World(seed)
    for _ in range(STEPS):
        world.step()
    world.shard.wall_ms += limits.DAY_MS
    world.send([command_of(TICK, customer, {}) for customer in CUSTOMERS])
    assert all(held == 0 for held, _, _ in check_budgets(world.shard.rows()).values())
    assert all(position.held == 0 for position in world.shard.core.state.escrow.positions())


def test_the_traffic_runs_into_every_promise() -> None:
    """Otherwise the seeds above prove nothing."""
    effects: set[str] = set()
    for seed in range(30):
        world = World(seed)
        for _ in range(STEPS):
            world.step()
        for row in world.shard.rows():
            for _, _, _, facts in row.segments:
                for fact in facts:
                    effects.add(type(fact).__name__)
                    if isinstance(fact, Decided):
                        effects |= {"/".join(exposure) for exposure in fact.exposures}
                        effects |= {str(fact.scorer_version), *(item.treatment for item in fact.items)}
                    effects |= {f"{effect}" for _, effect in getattr(fact, "budgets", ())}
                    if getattr(fact, "late", False):
                        effects.add("late")
    assert effects >= {
        "Born", "EventApplied", "AttributesChanged", "ConsentChanged", "Decided", "OutcomeApplied", "HoldExpired",
        "ResponseEnded", "Erased", "ExperimentObserved", "ScoresRefreshed", "spend", "release", "unfunded", "late",
        "bolder/sampled", "thrifty/cheap", "thrifty/drawn", "named-1", "one", "two", "new", "newer", "gift_wrapped",
        "help_brief",
    }
