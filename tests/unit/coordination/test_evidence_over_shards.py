"""Counts of many shards become versions: each outcome once, whatever is lost, repeated or overtaken."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from unit.coordination import shop
from unit.coordination.shop import NOON_MS, EscrowShard

from models import limits
from models.coordination.commands import Sync
from models.coordination.facts import EvidencePublished
from models.coordination.messages import Instructions

LATER_MS = NOON_MS + limits.EVIDENCE_GATHER_MS


def test_a_change_is_published_once_it_has_waited_for_others_and_adopted_by_all() -> None:
    core = shop.coordinator(2)
    first, second = EscrowShard(0, shop.plan()), EscrowShard(1, shop.plan())
    first.counts.add("one", "coupons", "grow", 1, 1)
    first.sync(core, NOON_MS)
    second.counts.add("one", "coupons", "grow", 0, 2)
    second.sync(core, NOON_MS + 1)
    assert core.state.evidence.version == 0
    for shard in (first, second):
        shard.sync(core, LATER_MS)
    assert core.state.evidence.version == 1
    for shard in (first, second):
        assert shard.evidence.counts["group", "coupons"] == (1, 3)


def test_what_is_published_is_not_told_again_but_what_is_pending_is() -> None:
    core, shard = shop.coordinator(1), EscrowShard(0, shop.plan())
    shard.counts.add("one", "coupons", "grow", 1, 1)
    shard.sync(core, NOON_MS)
    assert shard.report(NOON_MS).counts
    shard.sync(core, LATER_MS)
    assert shard.report(LATER_MS).counts == ()


def test_nothing_new_is_no_new_version() -> None:
    core, shard = shop.coordinator(1), EscrowShard(0, shop.plan())
    shard.counts.add("one", "coupons", "grow", 1, 1)
    for later in range(5):
        shard.sync(core, NOON_MS + later * limits.EVIDENCE_GATHER_MS)
    assert core.state.evidence.version == 1


def test_a_pending_count_that_a_crash_forgot_is_told_again() -> None:
    core, shard = shop.coordinator(1), EscrowShard(0, shop.plan())
    facts = list(core.handle(shop.PublishCatalog(shop.plan()), NOON_MS).facts)
    shard.counts.add("one", "coupons", "grow", 1, 1)
    facts += shard.sync(core, NOON_MS).facts
    successor = shop.replayed(facts)
    shard.sync(successor, LATER_MS)
    shard.sync(successor, LATER_MS + limits.EVIDENCE_GATHER_MS)
    assert shard.evidence.counts["action", "one"] == (1, 1)


def test_a_shard_that_lost_its_place_hears_all_that_changed() -> None:
    core, shard = shop.coordinator(1), EscrowShard(0, shop.plan())
    for round_ in range(3):
        shard.counts.add(("one", "five", "two")[round_], "coupons", "grow", 0, 1)
        shard.sync(core, NOON_MS + 2 * round_ * limits.EVIDENCE_GATHER_MS)
        shard.sync(core, NOON_MS + (2 * round_ + 1) * limits.EVIDENCE_GATHER_MS)
    assert core.state.evidence.version == 3
    fresh = replace(shard.report(LATER_MS), evidence_version=1)
    reply = core.handle(Sync(fresh), NOON_MS).reply
    assert isinstance(reply, Instructions)
    assert reply.evidence is not None
    assert {count.id: count.contacts for count in reply.evidence.changes} == {
        "five": 1, "two": 1, "coupons": 3, "grow": 3,
    }


@given(st.data())
def test_sums_are_exact_under_repeats_reorder_and_crashes(data: st.DataObject) -> None:
    core = shop.coordinator(2)
    facts = list(shop.CoordinatorCore(2, shop.compile_once).handle(shop.PublishCatalog(shop.plan()), 0).facts)
    shards = [EscrowShard(shard, shop.plan()) for shard in range(2)]
    told, now_ms, outcomes = [], NOON_MS, 0
    for _ in range(data.draw(st.integers(1, 12))):
        now_ms += 400
        shard = shards[data.draw(st.integers(0, 1))]
        shard.counts.add("one", "coupons", "grow", 1, 1)
        outcomes += 1
        told.append(shard.report(now_ms))
        for report in data.draw(st.lists(st.sampled_from(told), max_size=3)):
            handled = core.handle(Sync(report), now_ms)
            facts += handled.facts
            assert isinstance(handled.reply, Instructions)
            shards[report.shard].follow(handled.reply)
        if data.draw(st.booleans()):
            core = shop.replayed(facts, 2)
    for shard in shards * 2:
        now_ms += limits.EVIDENCE_GATHER_MS
        facts += shard.sync(core, now_ms).facts
    for shard in shards:
        shard.sync(core, now_ms)
        assert shard.evidence.counts["action", "one"] == (outcomes, outcomes)
    versions = [fact.version for fact in facts if isinstance(fact, EvidencePublished)]
    assert versions == list(range(1, len(versions) + 1))
