"""Latencies that gateways count for ever, told for the last minute."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import limits
from models.insight.latency import BUCKETS, Latencies, bucket_of, quantile_ms

EMPTY = [0] * BUCKETS


def counts(*took_ms: float) -> list[int]:
    made = list(EMPTY)
    for one in took_ms:
        made[bucket_of(one)] += 1
    return made


@settings(deadline=None)
@given(st.lists(st.floats(0.11, 60_000.0), min_size=1, max_size=50), st.sampled_from([0.5, 0.99]))
def test_a_quantile_is_within_a_tenth_of_the_real_one(took_ms: list[float], share: float) -> None:
    ordered = sorted(took_ms)
    real = ordered[max(0, -(-int(share * 100 * len(ordered)) // 100) - 1)]
    told = quantile_ms(counts(*took_ms), share)
    assert told is not None
    assert told == pytest.approx(real, rel=0.1)


def test_nothing_answered_has_no_latency() -> None:
    assert quantile_ms(EMPTY, 0.5) is None
    assert Latencies().recent(0) == EMPTY


def test_the_last_minute_of_all_replicas_counts_whatever_was_lost_or_told_twice() -> None:
    told = Latencies()
    told.report("a", counts(1.0), EMPTY, 0)
    told.report("a", counts(1.0), EMPTY, 1)
    told.report("a", counts(1.0, 5.0, 5.0), counts(1.0, 5.0), 2_000)  # the one in between was lost
    told.report("b", counts(*[100.0] * 50), counts(*[100.0] * 48), 2_000)  # nobody listened before
    assert sum(told.recent(2_000)) == 5
    assert sum(told.recent(limits.INSIGHT_SHARE_MS + 1_000)) == 4
    assert sum(told.recent(limits.INSIGHT_SHARE_MS + 2_001)) == 0


def test_a_replica_that_begins_anew_under_its_name_counts_from_there() -> None:
    told = Latencies()
    told.report("a", counts(*[1.0] * 9), EMPTY, 0)
    told.report("a", counts(2.0), EMPTY, 1_000)
    assert sum(told.recent(1_000)) == 1


def test_counts_of_other_buckets_are_refused() -> None:
    with pytest.raises(ValueError, match="buckets"):
        Latencies().report("a", [1, 2], [0, 0], 0)


def test_replicas_that_are_gone_give_way() -> None:
    told = Latencies()
    for number in range(limits.INSIGHT_REPLICAS_MAX + 5):
        told.report(f"r{number}", counts(1.0), EMPTY, number)
    assert sum(told.recent(limits.INSIGHT_REPLICAS_MAX + 5)) == limits.INSIGHT_REPLICAS_MAX
