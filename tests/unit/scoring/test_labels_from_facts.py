"""Rows out of a journal's facts: only what was shown, only once its window has ended, with what was known before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from unit.scoring.scoring_catalog import catalog

from models import limits
from models.canonical import pack
from models.catalog.check import check_data
from models.profile.facts import Born, Decided, EventApplied, Fact, ItemChosen, OutcomeApplied
from models.scoring.labels import Labeller, default_features, merged
from models.scoring.rows import from_columns
from models.turn.shard_facts import CatalogAdopted, EvidenceAdopted

DAY_MS = limits.DAY_MS
START_MS = 1_700_000_000_000
ANN = b"a" * 16
PLAN = check_data(catalog())


def decided(id_: str, at_ms: int, *, fallback: bool = False) -> Decided:
    item = ItemChosen(
        placement="hero", rank=1, action="first", treatment="first_hero", group="coupons", issue="grow",
        fallback=fallback, selection_probability=1.0, propensity=None if fallback else 0.1,
        priority=None if fallback else 0.1, hold_expires_ms=0 if fallback else at_ms + limits.HOUR_MS,
        accept_outcome="accept", accept_within_ms=7 * DAY_MS,
    )
    return Decided(
        decision_id=id_, request_id=id_, fingerprint=b"", request={"channel": "web"}, seed=b"", catalog_version="",
        scorer_version=None, evidence_version=0, state_version=1, degraded=False, vector=b"", candidates=b"",
        scores=b"", free={}, items=(item,), reply=pack({}),
    )


def outcome(
    decision: str, kind: str, at_ms: int, *, accepted: bool = False, contact: str = "confirm"
) -> OutcomeApplied:
    return OutcomeApplied(
        outcome_id=f"{decision}:{kind}", decision_id=decision, action="first", type=kind, time_ms=at_ms,
        counted_ms=at_ms, value=None, contact=contact, late=False, accepted=accepted,
    )


def event(id_: str, at_ms: int) -> EventApplied:
    return EventApplied(id_, "visit", at_ms, "web", {})


class Shard:
    """Turns in order, one fact each."""

    def __init__(self) -> None:
        self.labeller = Labeller()
        self.labeller.turn(START_MS, [CatalogAdopted(PLAN.version, dict(PLAN.catalog))], [])
        self.fact(Born("ann"), START_MS)

    def fact(self, fact: Fact, at_ms: int) -> None:
        self.labeller.turn(at_ms, [], [(ANN, [fact])])

    def rows(self, until_ms: int, wanted: Sequence[str] = ("profile.visits_7d", "action.evidence")) -> dict[str, Any]:
        self.labeller.turn(until_ms, [], [])
        return self.labeller.columns(wanted)


@pytest.fixture
def shard() -> Shard:
    return Shard()


def test_features_are_those_before_the_decision_not_those_of_today(shard: Shard) -> None:
    for number in range(3):
        shard.fact(event(f"e{number}", START_MS + number), START_MS + number)
    at_ms = START_MS + DAY_MS
    shard.fact(decided("d1", at_ms), at_ms)
    shard.fact(outcome("d1", "impression", at_ms), at_ms)
    for number in range(5):
        shard.fact(event(f"late{number}", at_ms + number), at_ms + number)
    rows = shard.rows(at_ms + 8 * DAY_MS)
    assert rows["profile.visits_7d"].tolist() == [3.0]
    assert rows["time_ms"].tolist() == [at_ms]
    assert rows["label_time_ms"].tolist() == [at_ms + 7 * DAY_MS]


def test_an_item_counts_only_when_it_was_shown_and_is_no_fallback(shard: Shard) -> None:
    shard.fact(decided("unconfirmed", START_MS), START_MS)
    shard.fact(decided("refused", START_MS), START_MS)
    shard.fact(outcome("refused", "not_shown", START_MS, contact="release"), START_MS)
    shard.fact(decided("filler", START_MS, fallback=True), START_MS)
    shard.fact(outcome("filler", "impression", START_MS, contact=""), START_MS)
    assert len(shard.rows(START_MS + 30 * DAY_MS)["label"]) == 0


def test_a_row_waits_for_the_end_of_its_window_even_if_accepted(shard: Shard) -> None:
    shard.fact(decided("d1", START_MS), START_MS)
    shard.fact(outcome("d1", "impression", START_MS + 10), START_MS + 10)
    shard.fact(outcome("d1", "accept", START_MS + 20, accepted=True, contact=""), START_MS + 20)
    ends_ms = START_MS + 10 + 7 * DAY_MS
    assert len(shard.rows(ends_ms - 1)["label"]) == 0
    assert shard.rows(ends_ms)["label"].tolist() == [1]


def test_an_acceptance_after_the_window_is_no_acceptance(shard: Shard) -> None:
    shard.fact(decided("d1", START_MS), START_MS)
    shard.fact(outcome("d1", "impression", START_MS), START_MS)
    late_ms = START_MS + 7 * DAY_MS + 1
    shard.fact(outcome("d1", "accept", late_ms, accepted=True, contact=""), late_ms)
    assert shard.rows(late_ms)["label"].tolist() == [0]


def test_evidence_is_that_of_the_decision(shard: Shard) -> None:
    shard.labeller.turn(START_MS, [EvidenceAdopted(1, [["action", "first", 20, 20]])], [])
    shard.fact(decided("d1", START_MS), START_MS)
    shard.fact(outcome("d1", "impression", START_MS), START_MS)
    shard.labeller.turn(START_MS + 1, [EvidenceAdopted(2, [["action", "first", 20, 4_000]])], [])
    (evidence,) = shard.rows(START_MS + 8 * DAY_MS)["action.evidence"]
    assert evidence == pytest.approx((0.05 * 20 + 20) / 40)


def test_a_customer_without_a_beginning_is_left_out_and_counted(shard: Shard) -> None:
    shard.labeller.turn(START_MS, [], [(b"b" * 16, [decided("d9", START_MS), outcome("d9", "impression", START_MS)])])
    assert shard.labeller.headless == {b"b" * 16}
    assert len(shard.rows(START_MS + 8 * DAY_MS)["label"]) == 0


def test_rows_of_two_shards_become_one_table_with_nan_for_what_a_catalog_lacked() -> None:
    shards = [Shard(), Shard()]
    for number, one in enumerate(shards):
        one.fact(decided(f"d{number}", START_MS), START_MS)
        one.fact(outcome(f"d{number}", "impression", START_MS), START_MS)
    wanted = (*default_features(PLAN), "tag.unheard_of")
    columns = merged([one.rows(START_MS + 8 * DAY_MS, wanted) for one in shards])
    rows = from_columns(columns, wanted)
    assert rows.matrix.shape == (2, len(wanted))
    assert np.isnan(rows.matrix[:, -1]).all()
    assert rows.matrix[:, wanted.index("channel.web")].tolist() == [1.0, 1.0]
