"""Rows out of a journal's facts: only what was shown, only once its window has ended, with what was known before."""

from __future__ import annotations

from collections import Counter

import pytest
from unit.scoring.scoring_catalog import catalog

from models import limits
from models.canonical import pack
from models.catalog.check import check_data
from models.profile.facts import Born, Decided, Erased, EventApplied, Fact, ItemChosen, OutcomeApplied
from models.scoring.labels import ALL_TIME, Labeller
from models.scoring.shown import Shown
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

    def __init__(self, span_ms: tuple[int, int] = ALL_TIME) -> None:
        self.labeller = Labeller(span_ms=span_ms)
        self.out: list[Shown] = []
        self.labeller.turn(START_MS, [CatalogAdopted(PLAN.version, dict(PLAN.catalog))], [])
        self.fact(Born("ann"), START_MS)

    def fact(self, fact: Fact, at_ms: int) -> None:
        self.out += self.labeller.turn(at_ms, [], [(ANN, [fact])])

    def rows(self, until_ms: int) -> list[Shown]:
        """Those with a label, as of an instant at which the journal ends."""
        self.out += self.labeller.turn(until_ms, [], [])
        self.out += self.labeller.rest()
        return [one for one in self.out if one.label(until_ms) is not None]


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
    (row,) = shard.rows(at_ms + 8 * DAY_MS)
    assert row.row[row.layout.features.index("profile.visits_7d")] == 3.0
    assert (row.time_ms, row.ends_ms) == (at_ms, at_ms + 7 * DAY_MS)


def test_an_item_counts_only_when_it_was_shown_and_is_no_fallback(shard: Shard) -> None:
    shard.fact(decided("unconfirmed", START_MS), START_MS)
    shard.fact(decided("refused", START_MS), START_MS)
    shard.fact(outcome("refused", "not_shown", START_MS, contact="release"), START_MS)
    shard.fact(decided("filler", START_MS, fallback=True), START_MS)
    shard.fact(outcome("filler", "impression", START_MS, contact=""), START_MS)
    assert shard.rows(START_MS + 30 * DAY_MS) == []
    assert [one.reward(START_MS + 30 * DAY_MS) for one in shard.out] == [0.0, 0.0]
    assert shard.labeller.left_out == Counter(fallback=1)


def test_a_row_waits_for_the_end_of_its_window_even_if_accepted() -> None:
    ends_ms = START_MS + 10 + 7 * DAY_MS
    for until_ms, label, reward in ((ends_ms - 1, None, None), (ends_ms, True, 1.0)):
        shard = Shard()
        shard.fact(decided("d1", START_MS), START_MS)
        shard.fact(outcome("d1", "impression", START_MS + 10), START_MS + 10)
        shard.fact(outcome("d1", "accept", START_MS + 20, accepted=True, contact=""), START_MS + 20)
        shard.rows(until_ms)
        assert [(one.label(until_ms), one.reward(until_ms)) for one in shard.out] == [(label, reward)]


def test_an_acceptance_after_the_window_is_no_acceptance(shard: Shard) -> None:
    shard.fact(decided("d1", START_MS), START_MS)
    shard.fact(outcome("d1", "impression", START_MS), START_MS)
    late_ms = START_MS + 7 * DAY_MS + 1
    shard.fact(outcome("d1", "accept", late_ms, accepted=True, contact=""), late_ms)
    assert [one.label(late_ms) for one in shard.rows(late_ms)] == [False]


def test_an_acceptance_within_the_window_counts_when_it_is_reported_some_days_late(shard: Shard) -> None:
    shard.fact(decided("d1", START_MS), START_MS)
    shard.fact(outcome("d1", "impression", START_MS), START_MS)
    told_ms = START_MS + 7 * DAY_MS + limits.LABEL_LATE_MS - 1
    shard.fact(outcome("d1", "accept", START_MS + DAY_MS, accepted=True, contact=""), told_ms)
    assert [one.label(told_ms) for one in shard.rows(told_ms)] == [True]


def test_a_row_is_handed_out_once_and_forgotten_when_nothing_changes_it_any_more(shard: Shard) -> None:
    shard.fact(decided("never confirmed", START_MS), START_MS)
    shard.fact(decided("d1", START_MS), START_MS)
    shard.fact(outcome("d1", "impression", START_MS + 5), START_MS + 5)
    final_ms = START_MS + 5 + 7 * DAY_MS + limits.LABEL_LATE_MS
    for number in range(40):
        at_ms = START_MS + 5 + number * limits.DAY_MS // 2
        shard.fact(event(f"e{number}", at_ms), at_ms)
        assert [one.decision.decision_id for one in shard.out].count("d1") == (at_ms >= final_ms)
    assert [one.decision.decision_id for one in shard.out] == ["never confirmed", "d1"]
    assert list(shard.labeller.rest()) == []


def test_only_decisions_of_the_wanted_span_become_rows_and_the_reading_can_stop_when_they_are_done() -> None:
    span = (START_MS + DAY_MS, START_MS + 2 * DAY_MS)
    shard = Shard(span)
    for number, at_ms in enumerate((span[0] - 1, span[0], span[1] - 1, span[1])):
        shard.fact(decided(f"d{number}", at_ms), at_ms)
        shard.fact(outcome(f"d{number}", "impression", at_ms), at_ms)
    assert not shard.labeller.is_done
    shard.fact(event("e", span[1] + 30 * DAY_MS), span[1] + 30 * DAY_MS)
    assert [one.decision.decision_id for one in shard.out] == ["d1", "d2"]
    assert shard.labeller.is_done


def test_a_customer_that_is_erased_leaves_no_row_that_was_not_handed_out(shard: Shard) -> None:
    shard.fact(decided("d1", START_MS), START_MS)
    shard.fact(outcome("d1", "impression", START_MS), START_MS)
    shard.fact(Erased("r"), START_MS + 1)
    shard.labeller.turn(START_MS + 1, [], [(b"b" * 16, None)])
    assert shard.rows(START_MS + 8 * DAY_MS) == []
    assert shard.labeller.erased == {ANN, b"b" * 16}


def test_what_the_control_group_got_is_no_row() -> None:
    held_out = check_data(catalog() | {"arbitration": {"control_group": {"id": "all", "share": 1.0}}})
    shard = Shard()
    shard.labeller.turn(START_MS, [CatalogAdopted(held_out.version, dict(held_out.catalog))], [])
    shard.fact(decided("d1", START_MS), START_MS)
    shard.fact(outcome("d1", "impression", START_MS), START_MS)
    assert shard.rows(START_MS + 8 * DAY_MS) == []
    assert shard.labeller.left_out == Counter(control_group=1)


def test_evidence_is_that_of_the_decision(shard: Shard) -> None:
    shard.labeller.turn(START_MS, [EvidenceAdopted(1, [["action", "first", 20, 20]])], [])
    shard.fact(decided("d1", START_MS), START_MS)
    shard.fact(outcome("d1", "impression", START_MS), START_MS)
    shard.labeller.turn(START_MS + 1, [EvidenceAdopted(2, [["action", "first", 20, 4_000]])], [])
    (row,) = shard.rows(START_MS + 8 * DAY_MS)
    assert row.row[row.layout.features.index("action.evidence")] == pytest.approx((0.05 * 20 + 20) / 40)


def test_a_customer_without_a_beginning_is_left_out_and_counted(shard: Shard) -> None:
    shard.labeller.turn(START_MS, [], [(b"b" * 16, [decided("d9", START_MS), outcome("d9", "impression", START_MS)])])
    assert shard.labeller.headless == {b"b" * 16}
    assert shard.rows(START_MS + 8 * DAY_MS) == []
