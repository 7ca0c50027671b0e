"""Random traffic with budgets, caps, experiments, scorers that come and go: who decides as was decided weighs 1."""

from __future__ import annotations

import pytest
from simulation.world import World
from unit.evaluation.shop import Journal, Shop, plan

from cluster.evaluating_journal import Asked, candidate_of, evaluate_on_journals
from models.evaluation.candidate import Candidate
from models.profile import packing
from models.scoring.booster import Booster
from models.turn.replay import Fold
from models.turn.shard_state import ShardState


def never(version: str) -> Booster:
    raise AssertionError(f"the scores of {version} are in the journal")


@pytest.mark.parametrize("seed", range(3))
def test_the_chances_of_what_was_shown_are_those_that_were_logged(seed: int) -> None:
    world = World(seed)
    for _ in range(60):
        world.step()
    same, fold = Candidate(None, None, (), never), Fold(ShardState(0), {})
    positions = above = 0
    for row in world.shard.rows():
        customers = [(customer, generation, facts) for customer, generation, _, facts in row.segments]
        for met in fold.row(row.now_ms, row.shard_facts, customers):
            considered = same.consider(met)
            assert considered is not None
            assert considered.unseen == 0
            drawn = [item for item in met.fact.items if not item.fallback]
            assert [step.item for step in considered.steps] == drawn
            for step in considered.steps:
                assert step.chances[step.item.action, step.item.treatment] == step.item.selection_probability
                assert step.above == 1.0
                assert sum(step.chances.values()) == pytest.approx(1.0, abs=1e-6)
                positions += 1
                above += step.item.selection_probability < 1.0
    assert positions > 10
    assert above


def test_a_truncated_journal_is_evaluated_from_where_it_begins() -> None:
    shop = Shop(plan(), 1).serve(40)
    state, profiles = shop.shard.core.pack_state(), dict(shop.shard.profiles)
    begun = len(shop.shard.disk.rows())
    shop.prefix = "later"
    shop.serve(60)

    class Truncated(Journal):
        def rows(self, shard: int, after: int) -> dict[str, object]:
            return {**super().rows(shard, max(after, begun)), "base": {"seq": begun, "state": state}}

        def base(self, shard: int, after: bytes) -> dict[str, object]:
            packed = [(key, 1, None if one is None else packing.pack(one)) for key, one in profiles.items()]
            return {"profiles": packed, "next": None}

    report = evaluate_on_journals(Truncated(shop.shard), candidate_of(Asked(plan()), None))
    assert report.rounds == 60
    assert report.max_weight == pytest.approx(1.0, abs=1e-6)
