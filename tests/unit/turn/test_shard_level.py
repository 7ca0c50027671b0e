"""What a shard knows beside its customers: instructions, reports, checkpoints, replay of rows."""

from __future__ import annotations

import pytest
from simulation.catalog import other_plan, plan
from simulation.desk import START_MS, Desk, items
from support.roles import champion, crowned

from models import canonical, limits
from models.coordination.messages import (
    CatalogNews,
    Count,
    EvidenceNews,
    Granted,
    Instructions,
    Recall,
)
from models.errors import InvariantBroken
from models.turn import shard_facts
from models.turn.core import ShardCore
from models.turn.shard_facts import CatalogAdopted, ClockSet
from models.turn.shard_state import ShardState


def test_instructions_become_facts_only_where_they_are_new(desk: Desk) -> None:
    core = desk.shard.core
    news = Instructions(
        1, catalog=CatalogNews(other_plan().version, dict(other_plan().catalog)),
        evidence=EvidenceNews(4, (Count("action", "gift", 1, 2),)), roles=champion("x"),
        grants=(Granted("pool", "", 20),), recalls=(Recall("pool", "", 3),), clock_ms=START_MS + 5, counts_mark=0,
    )
    facts = core.instruct(news, START_MS)
    assert [type(fact).__name__ for fact in facts] == [
        "ClockSet", "CatalogAdopted", "EvidenceAdopted", "RolesAdopted", "Granted", "Returned",
    ]
    desk.shard.adopt(facts)
    assert core.instruct(news, START_MS) == []
    assert desk.free("pool") == 20 - 3
    assert core.now_ms(0) == START_MS + 5


def test_a_recall_takes_only_what_is_free(desk: Desk) -> None:
    items(desk.decide())
    facts = desk.shard.core.instruct(Instructions(1, recalls=(Recall("pool", "", 12),)), START_MS)
    assert facts == [shard_facts.Returned("pool", "", 10)]
    desk.shard.adopt(facts)
    assert desk.free("pool") == 0


def test_a_grant_for_a_long_ended_period_is_not_logged(desk: Desk) -> None:
    period = next(p.period for p in desk.shard.core.state.escrow.positions() if p.budget == "daily")
    late = START_MS + limits.DAY_MS
    news = Instructions(1, grants=(Granted("daily", period, 99),))
    assert desk.shard.core.instruct(news, START_MS)
    assert desk.shard.core.instruct(news, late) == []


def test_counts_are_reported_until_the_coordinator_has_them(desk: Desk) -> None:
    desk.outcome("accept", items(desk.decide())[0])
    core = desk.shard.core
    first = core.report(1, 1, START_MS)
    assert {(c.kind, c.id, c.accepts) for c in first.counts} == {
        ("action", "ten_off", 1), ("group", "coupons", 1), ("issue", "grow", 1),
    }
    core.instruct(Instructions(1, counts_mark=first.counts_mark), START_MS)
    assert core.report(1, 2, START_MS).counts == ()


def test_a_report_names_what_was_adopted(desk: Desk) -> None:
    report = desk.shard.core.report(7, 3, START_MS)
    assert (report.epoch, report.number, report.catalog_version) == (7, 3, plan().version)
    assert ShardCore(2).report(1, 1, 0).catalog_version == ""


def test_packed_state_loads_to_the_same_state(desk: Desk) -> None:
    desk.shard.adopt([crowned("x", ["action.value"])])
    desk.outcome("accept", items(desk.decide())[0])
    desk.erase()
    packed = desk.shard.core.pack_state()
    loaded = ShardCore(0)
    loaded.load_state(packed)
    assert loaded.pack_state() == packed
    assert loaded.state.active_scorer == "x"
    loaded.validate()


def test_keys_are_forgotten_only_up_to_the_checkpoint(desk: Desk) -> None:
    desk.event()
    core = desk.shard.core
    seq = core.state.seq
    [old] = core.set_keys_apart()
    desk.event()
    [new] = core.state.recent
    assert [core.state.recall(pair).seq for pair in (old, new)] == [seq, seq + 1]  # type: ignore[union-attr]
    assert not core.forget_keys()
    assert core.state.recall(old) is None
    assert core.state.recall(new) is not None


def test_keys_of_a_checkpoint_that_failed_are_written_by_the_next(desk: Desk) -> None:
    core = desk.shard.core
    desk.event()
    failed = dict(core.set_keys_apart())
    desk.event()
    assert len(core.set_keys_apart()) == 2
    assert failed.items() <= core.state.apart.items()
    assert core.forget_keys(1)
    assert not core.forget_keys(1)


def test_a_row_is_folded_once(desk: Desk) -> None:
    with pytest.raises(InvariantBroken, match="folded in already"):
        desk.shard.core.replay_row(START_MS, [], [], desk.shard.core.state.seq)


def test_a_catalog_that_compiles_to_another_version_is_refused() -> None:
    with pytest.raises(InvariantBroken, match="compiles to"):
        ShardState(0).apply_shard_fact(CatalogAdopted("sha256:0", dict(plan().catalog)))


def test_shard_facts_survive_the_wire() -> None:
    for fact in (ClockSet(5), crowned("x", ["action.value"]), shard_facts.Granted("b", "p", 3)):
        assert shard_facts.from_wire(canonical.unpack(canonical.pack(shard_facts.to_wire(fact)))) == fact


def test_a_key_beyond_the_newest_row_breaks_an_invariant(desk: Desk) -> None:
    desk.event()
    state = desk.shard.core.state
    pair, entry = next(iter(state.recent.items()))
    state.recent[pair] = entry._replace(seq=state.seq + 1)
    with pytest.raises(InvariantBroken, match="points at row"):
        desk.shard.validate()
    state.recent[pair] = entry


def test_an_unfinished_turn_is_not_finished(desk: Desk) -> None:
    command = desk.decision_command()
    turn = desk.shard.core.begin([command], {command.customer: None}, {}, START_MS, b"s" * 16)
    turn.next_wave()
    with pytest.raises(InvariantBroken, match="before every wave"):
        turn.finish()


def test_rows_carry_no_customer_id_in_the_clear(desk: Desk) -> None:
    desk.event(customer="somebody-by-name")
    desk.attributes("somebody-by-name", size=1)
    for row in desk.shard.rows():
        for _, _, public, _ in row.segments:
            assert b"somebody" not in canonical.pack(public)
