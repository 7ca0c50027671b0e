"""Between two trainings evidence versions alone teach decisions, no later than is stated."""

from __future__ import annotations

import numpy as np
import pytest
from support.roles import champion
from unit.coordination import shop
from unit.coordination.shop import NOON_MS, EscrowShard

from models import limits
from models.arbitration import deciding
from models.arbitration.preparation import Preparation
from models.arbitration.priority import rank
from models.coordination.core import CoordinatorCore
from models.coordination.messages import Count
from models.profile.state import Profile
from models.scoring.evidence import Evidence
from models.scoring.roles import Roles

RATE, SAID = 0.3, 0.1
#: Plenty to learn from.
MANY = 1_000_000


def propensities(shard: EscrowShard, roles: Roles) -> dict[str, float]:
    """What a decision at this shard ranks by, when the scorer says ``SAID`` of everything."""
    request = {
        "request_id": "r", "customer_id": "c", "channel": "web", "placements": [{"id": "card", "count": 1}],
        "context": {}, "event": None, "exclude": [], "dry_run": False, "explain": False,
    }
    prepared = deciding.prepare(Profile("c"), shop.plan(), request, b"s" * 16, NOON_MS, shard.evidence, roles)
    assert isinstance(prepared, Preparation)
    ranking = rank(prepared, np.full(len(prepared.scored), SAID, np.float32))
    return {prepared.plan.actions[action].id: ranking[action].propensity for action in ranking}


def test_a_new_action_comes_to_its_true_rate_by_evidence_alone_while_a_known_one_keeps_the_scorers_word() -> None:
    roles = champion("v1", actions={"one": 1_000_000, "two": 200})
    core, rng = shop.coordinator(2), np.random.default_rng(4)
    shards = [EscrowShard(number, shop.plan()) for number in range(2)]
    before = propensities(shards[0], roles)
    assert before["five"] == shop.plan().arbitration.evidence_prior
    assert before["two"] == pytest.approx((SAID + shop.plan().arbitration.evidence_prior) / 2)
    versions = set()
    for second in range(60):
        for shard in shards:
            for action in ("one", "five"):
                accepts = int(rng.binomial(20, RATE))
                shard.counts.add(action, "coupons", "grow", accepts, 20)
            shard.sync(core, NOON_MS + second * limits.SYNC_INTERVAL_MS)
            versions.add(shard.evidence.version)
    assert len(versions) > 10
    for shard in shards:
        after = propensities(shard, roles)
        counted = shard.evidence.counts["action", "five"]
        assert after["five"] == pytest.approx(counted[0] / counted[1], abs=1e-3)
        assert after["five"] == pytest.approx(RATE, abs=0.03)
        assert after["one"] == pytest.approx(SAID, abs=1e-4)


def test_a_new_action_of_a_known_group_begins_with_the_scorers_word_and_comes_to_its_own_rate() -> None:
    roles = champion("v1", actions={"one": MANY}, groups={"coupons": MANY}, issues={"grow": MANY})
    blend, evidence, seen = shop.plan().arbitration.evidence_blend, Evidence(), []
    for version, contacts in enumerate((0, 50, 200, 1_000, 5_000, 100_000)):
        accepts = round(RATE * contacts)
        evidence = evidence.with_changes(version + 1, [
            Count(kind, id_, accepts, contacts)
            for kind, id_ in (("action", "five"), ("group", "coupons"), ("issue", "grow"))
        ])
        shard = EscrowShard(0, shop.plan())
        shard.evidence = evidence
        seen.append(propensities(shard, roles)["five"])
        own = evidence.propensities(shop.plan())[shop.plan().action_index["five"]]
        weight = blend / (blend + contacts)
        assert seen[-1] == pytest.approx(weight * SAID + (1 - weight) * own, rel=1e-3)
    assert seen[0] == pytest.approx(SAID, rel=1e-3)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(RATE, rel=0.01)
    trained = champion("v2", actions={"one": MANY, "five": MANY})
    assert propensities(shard, trained)["five"] == pytest.approx(SAID, rel=1e-3)


def reached_after_ms(core: CoordinatorCore, teller: EscrowShard, reader: EscrowShard, first: int, second: int) -> int:
    """An outcome is counted right after ``teller`` reported; shards report once a second, at these parts of it."""
    teller.sync(core, NOON_MS + first)
    teller.counts.add("one", "coupons", "grow", 1, 1)
    for ms in range(first + 1, first + 20 * limits.SYNC_INTERVAL_MS):
        if ms % limits.SYNC_INTERVAL_MS == first:
            teller.sync(core, NOON_MS + ms)
        if ms % limits.SYNC_INTERVAL_MS == second:
            reader.sync(core, NOON_MS + ms)
            if ("action", "one") in reader.evidence.counts:
                return ms - first
    raise AssertionError("the outcome never came")


@pytest.mark.parametrize("first", [0, 1, 500, 999])
@pytest.mark.parametrize("second", [0, 2, 498, 998])
def test_an_outcome_is_evidence_at_every_shard_within_the_stated_time(first: int, second: int) -> None:
    core = shop.coordinator(2)
    teller, reader = EscrowShard(0, shop.plan()), EscrowShard(1, shop.plan())
    assert reached_after_ms(core, teller, reader, first, second) <= limits.EVIDENCE_STALE_MS
