from __future__ import annotations

import dataclasses

import pytest
from simulation.catalog import other_plan
from simulation.desk import Desk, items

from models import canonical
from models.errors import InvariantBroken
from models.profile import packing
from models.profile.facts import Decided
from models.turn.replay import Fold, Replayed, reexecute
from models.turn.shard_facts import CatalogAdopted
from models.turn.shard_state import ShardState


def replay(desk: Desk) -> list[Replayed]:
    fold = Fold(ShardState(0), {})
    found: list[Replayed] = []
    for row in desk.shard.rows():
        customers = [(customer, generation, facts) for customer, generation, _, facts in row.segments]
        found += fold.row(row.now_ms, row.shard_facts, customers)
    assert {k: packing.pack(p) for k, p in fold.profiles.items() if p} == {
        k: packing.pack(p) for k, p in desk.shard.profiles.items() if p
    }
    return found


def test_a_past_decision_explains_itself_as_it_did_then(desk: Desk) -> None:
    desk.event()
    told = desk.decide("web", ("hero", 1), ("strip", 3), explain=True)
    desk.outcome("accept", items(told)[0])
    desk.shard.adopt([CatalogAdopted(other_plan().version, dict(other_plan().catalog))])
    desk.decide()
    first = replay(desk)[0].reexecute()
    assert first.explanation == told["explanation"]
    assert first.explanation["versions"]["state"] == 1
    assert canonical.unpack(first.reply) == told


def test_budgets_are_judged_as_they_were(desk: Desk) -> None:
    desk.decide()
    desk.grant(pool=4_000)
    found = replay(desk)[0]
    assert found.fact.free == {"pool": 12}
    poorer = dataclasses.replace(found.fact, free={"pool": 0})
    again = reexecute(found.before, found.plan, found.evidence, found.roles, poorer, found.now_ms)
    assert again.reply != found.fact.reply


def test_other_inputs_give_other_bytes(desk: Desk) -> None:
    """Otherwise the comparison proves nothing."""
    desk.consent(marketing=True)
    desk.decide("push", ("message", 1))
    found = replay(desk)[0]
    found.before.consent["marketing"] = False
    assert found.reexecute().reply != found.fact.reply


def test_a_decision_under_another_catalog_is_not_judged(desk: Desk) -> None:
    desk.decide()
    found = replay(desk)[0]
    with pytest.raises(InvariantBroken, match="fold the journal"):
        reexecute(found.before, other_plan(), found.evidence, found.roles, found.fact, found.now_ms)


def test_a_fold_passes_over_what_was_erased(desk: Desk) -> None:
    desk.decide()
    fold = Fold(ShardState(0), {})
    decided: list[Decided] = []
    for row in desk.shard.rows():
        customers = [(customer, generation, None) for customer, generation, _, _ in row.segments]
        decided += [found.fact for found in fold.row(row.now_ms, row.shard_facts, customers)]
    assert decided == []
    assert set(fold.profiles.values()) == {None}
