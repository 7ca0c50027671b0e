"""Catalogs, caps, scorers, the manual clock, and what the coordinator shows."""

from __future__ import annotations

from typing import Any

import pytest
from unit.coordination import shop
from unit.coordination.shop import NOON_MS, EscrowShard

from models import limits
from models.canonical import pack, unpack
from models.catalog.check import check_data
from models.catalog.plan import Plan
from models.coordination.commands import (
    Answer,
    Command,
    Instruct,
    PromoteScorer,
    PublishCatalog,
    RegisterScorer,
    SetCap,
    SetClock,
    Sync,
)
from models.coordination.core import CoordinatorCore
from models.coordination.facts import ShardSeen, from_wire, to_wire
from models.coordination.messages import Instructions


def ask(core: CoordinatorCore, command: Command, now_ms: int = NOON_MS) -> Answer:
    reply = core.handle(command, now_ms).reply
    assert isinstance(reply, Answer)
    return reply


def shards_of(core: CoordinatorCore, count: int, now_ms: int = NOON_MS) -> list[EscrowShard]:
    shards = [EscrowShard(shard, shop.plan()) for shard in range(count)]
    for shard in shards:
        shard.sync(core, now_ms)
    return shards


def budget(core: CoordinatorCore, id_: str, now_ms: int = NOON_MS) -> dict[str, Any]:
    (row,) = (row for row in core.budgets(now_ms)["budgets"] if row["id"] == id_)
    return dict(row)


def renamed(name: str) -> Plan:
    return check_data({**shop.catalog(), "name": name})


def test_a_first_report_brings_the_policy_and_a_share_of_every_budget() -> None:
    core = shop.coordinator(2)
    first, second = shards_of(core, 2)
    assert first.catalog_version == second.catalog_version == shop.plan().version
    assert [p.granted for p in first.escrow.positions()] == [10, 5, 3]
    assert [p.granted for p in second.escrow.positions()] == [7, 5, 3]
    first.sync(core, NOON_MS)
    assert core.status(NOON_MS)["shards"][0]["ready"]


def test_a_report_of_an_older_epoch_is_refused() -> None:
    core = shop.coordinator(1)
    (shard,) = shards_of(core, 1)
    old = shard.report(NOON_MS)
    shard.crash()
    shard.sync(core, NOON_MS)
    handled = core.handle(Sync(old), NOON_MS)
    assert isinstance(handled.reply, Instructions)
    assert "fenced" in handled.reply.refused
    assert handled.facts == ()


def test_a_catalog_is_not_published_over_one_that_the_caller_has_not_seen() -> None:
    core = shop.coordinator()
    other = renamed("other")
    assert ask(core, PublishCatalog(other, "sha256:unseen")).status == 409
    assert core.state.catalog_version == shop.plan().version
    assert ask(core, PublishCatalog(other, shop.plan().version)).status == 200
    assert core.state.catalog_version == other.version


def test_publishing_the_live_catalog_again_changes_nothing() -> None:
    core = shop.coordinator()
    assert core.handle(PublishCatalog(shop.plan()), NOON_MS).facts == ()


def test_a_cap_that_was_set_survives_a_catalog_that_does_not_change_it() -> None:
    core = shop.coordinator()
    assert ask(core, SetCap("pool", 99)).status == 200
    ask(core, PublishCatalog(renamed("other")))
    assert core.state.caps["pool"] == 99
    ask(core, PublishCatalog(shop.plan(pool=50)))
    assert core.state.caps["pool"] == 50


@pytest.mark.parametrize(("id_", "cap", "status"), [
    ("unknown", 5, 404), ("pool", -1, 422), ("pool", limits.BUDGET_CAP_MAX + 1, 422), ("pool", 0, 200),
])
def test_a_cap_must_be_of_a_known_budget_and_in_range(id_: str, cap: int, status: int) -> None:
    assert ask(shop.coordinator(), SetCap(id_, cap)).status == status


def test_a_cut_cap_recalls_what_is_idle_and_promises_no_more_than_was_granted() -> None:
    core = shop.coordinator(2)
    first, second = shards_of(core, 2)
    first.use("pool", "", held=8)
    first.sync(core, NOON_MS)
    ask(core, SetCap("pool", 4))
    for _ in range(2):
        for shard in (first, second):
            shard.sync(core, NOON_MS)
    assert (first.escrow.free("pool", ""), second.escrow.free("pool", "")) == (0, 0)
    row = budget(core, "pool")
    assert (row["cap"], row["granted"], row["held"], row["available"]) == (4, 8, 8, -4)
    assert row["shards"] == [
        {"shard": 0, "granted": 8, "spent": 0, "held": 8}, {"shard": 1, "granted": 0, "spent": 0, "held": 0},
    ]


def test_the_view_shows_budgets_in_catalog_order_wherever_the_units_lie() -> None:
    core = shop.coordinator(2)
    first, second = shards_of(core, 2)
    first.use("pool", "", held=2, spent=1)
    second.commit("apply_delta", "pool", "", 1, 0, 3)
    for shard in (first, second):
        shard.sync(core, NOON_MS)
    rows = core.budgets(NOON_MS)["budgets"]
    assert [row["id"] for row in rows] == ["pool", "lumps", "daily"]
    assert rows[0] == {
        "id": "pool", "unit": "coupon", "cap": 40, "granted": 17, "spent": 1, "held": 3, "unfunded": 3,
        "available": 36, "period": None, "shards": [
            {"shard": 0, "granted": 10, "spent": 1, "held": 2},
            {"shard": 1, "granted": 7, "spent": 0, "held": 1},
        ],
    }
    assert rows[2]["period"] == {"kind": "day", "from": "2026-03-02T05:00:00Z", "until": "2026-03-03T05:00:00Z"}


def test_a_new_day_begins_with_the_whole_cap_and_grants_of_its_own() -> None:
    core = shop.coordinator(1)
    (shard,) = shards_of(core, 1)
    before_ms = NOON_MS + 11 * limits.HOUR_MS
    (today,) = (p.period for p in shard.escrow.positions() if p.budget == "daily")
    shard.use("daily", today, spent=3)
    shard.sync(core, before_ms)
    assert budget(core, "daily", before_ms)["available"] == 9
    assert {p.period for p in shard.escrow.positions() if p.budget == "daily"} > {today}
    assert budget(core, "daily", before_ms + 2 * limits.HOUR_MS)["available"] == 12


def test_an_ended_account_is_closed_when_nobody_holds_anything_in_it() -> None:
    core = shop.coordinator(1)
    (shard,) = shards_of(core, 1)
    (today,) = (p.period for p in shard.escrow.positions() if p.budget == "daily")
    shard.use("daily", today, held=3)
    tomorrow_ms = NOON_MS + limits.DAY_MS
    shard.sync(core, tomorrow_ms)
    assert ("daily", today) in core.state.accounts
    shard.use("daily", today, held=-3)
    shard.sync(core, tomorrow_ms)
    assert ("daily", today) not in core.state.accounts


def test_a_budget_that_left_the_catalog_is_shown_while_it_is_held_and_grants_nothing() -> None:
    core = shop.coordinator(1)
    (shard,) = shards_of(core, 1)
    shard.use("pool", "", held=2)
    shard.sync(core, NOON_MS)
    ask(core, PublishCatalog(shop.without_budget("pool")))
    shard.sync(core, NOON_MS)
    shard.sync(core, NOON_MS)
    assert budget(core, "pool")["granted"] == budget(core, "pool")["held"] == 2
    shard.use("pool", "", held=-2)
    shard.sync(core, NOON_MS)
    assert [row["id"] for row in core.budgets(NOON_MS)["budgets"]] == ["lumps", "daily"]


def _manifest(*features: str) -> dict[str, Any]:
    return {"features": list(features)}


def test_a_scorer_that_reads_what_the_catalog_lacks_is_refused_with_the_difference() -> None:
    core = shop.coordinator()
    ask(core, RegisterScorer("v1", _manifest("profile.unknown", "action.value")))
    answer = ask(core, PromoteScorer("v1"))
    assert answer.status == 422
    assert "profile.unknown" in answer.body["errors"][0]["msg"]
    assert core.state.champion is None
    assert ask(core, PromoteScorer("v2")).status == 404


def test_a_promoted_scorer_is_adopted_and_falls_with_a_catalog_that_it_does_not_fit() -> None:
    core = shop.coordinator(1)
    (shard,) = shards_of(core, 1)
    ask(core, RegisterScorer("v1", _manifest("action.one")))
    assert ask(core, PromoteScorer("v1")).status == 200
    assert core.laggards(NOON_MS) == [0]
    shard.sync(core, NOON_MS)
    shard.sync(core, NOON_MS)
    assert (shard.roles.champion, core.laggards(NOON_MS)) == ("v1", [])
    answer = ask(core, PublishCatalog(shop.without_budget("pool")))
    assert "action.one" in answer.body["scorer_note"]
    shard.sync(core, NOON_MS)
    assert shard.roles.champion is None
    assert "v1" in core.status(NOON_MS)["scorer_note"]


def test_a_manual_clock_goes_forward_only_and_brings_the_grants_of_its_periods() -> None:
    core = CoordinatorCore(1, shop.compile_once, manual_clock=True)
    ask(core, SetClock(NOON_MS))
    ask(core, PublishCatalog(shop.plan()))
    (shard,) = shards_of(core, 1)
    shard.sync(core, NOON_MS)
    assert ask(core, SetClock(NOON_MS - 1)).status == 422
    assert ask(core, SetClock(NOON_MS + 2 * limits.DAY_MS)).status == 200
    assert core.behind_clock(NOON_MS) == [0]
    reply = core.handle(Instruct(0), NOON_MS).reply
    assert isinstance(reply, Instructions)
    assert reply.clock_ms == NOON_MS + 2 * limits.DAY_MS
    assert [grant.period for grant in reply.grants] == ["day:2026-03-04T05:00:00Z"]
    shard.follow(reply)
    assert shard.escrow.free("daily", "day:2026-03-04T05:00:00Z") > 0


def test_a_wall_clock_cannot_be_set() -> None:
    assert ask(shop.coordinator(), SetClock(NOON_MS)).status == 409


def test_a_dry_shard_makes_the_coordinator_poke_those_who_hold_what_it_needs() -> None:
    core = shop.coordinator(2, lumps=10)
    first, second = shards_of(core, 2)
    later_ms = NOON_MS + limits.GRANT_COOLING_MS
    second.use("lumps", "", held=5)
    second.escrow.missed("lumps", "", 5)
    first.sync(core, later_ms)
    assert second.sync(core, later_ms).poke == {0}
    first.sync(core, later_ms)
    assert first.sync(core, later_ms).poke == {1}
    second.sync(core, later_ms)
    assert second.escrow.free("lumps", "") == 5


def test_facts_rebuild_the_state_and_so_does_a_checkpoint() -> None:
    core = CoordinatorCore(1, shop.compile_once, manual_clock=True)
    facts = []
    for command in (
        SetClock(NOON_MS), PublishCatalog(shop.plan()), SetCap("pool", 7),
        RegisterScorer("v1", _manifest("action.one")), PromoteScorer("v1"),
    ):
        facts += core.handle(command, NOON_MS).facts
    shard = EscrowShard(0, shop.plan())
    shard.counts.add("one", "coupons", "grow", 1, 1)
    for step in range(3):
        facts += shard.sync(core, NOON_MS + step * limits.EVIDENCE_GATHER_MS).facts
    facts += core.handle(PublishCatalog(shop.without_budget("pool")), NOON_MS).facts
    successor = shop.replayed(facts)
    assert successor.pack_state() == core.pack_state()
    other = shop.replayed([])
    other.load_state(core.pack_state())
    assert other.pack_state() == core.pack_state()
    assert other.budgets(NOON_MS) == successor.budgets(NOON_MS)


def test_a_fact_keeps_its_meaning_on_the_wire() -> None:
    fact = ShardSeen(3, 7)
    assert from_wire(unpack(pack(to_wire(fact)))) == fact
