"""Figures are told from process to process, added, and read exactly as Prometheus's own would."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from actors.gateway.figures import Answers
from actors.metrics.family import counter, gauge, histogram
from actors.metrics.spread import Spread
from actors.metrics.told import Telling, shown
from models import canonical

BOUNDS = (0.0005, 0.02, 1.0, 10.0)
SECONDS = st.sampled_from([0.0, 0.0004, 0.0005, 0.02, 0.5, 9.0, 10.0, 11.5])
NOTED = st.tuples(st.sampled_from(["decisions", 'odd "call"']), st.sampled_from([200, 503]), SECONDS)


class Shown(Collector):
    def __init__(self, *metrics: Metric) -> None:
        self.metrics = metrics

    def collect(self) -> tuple[Metric, ...]:
        return self.metrics


def lines(collector: Collector) -> list[str]:
    registry = CollectorRegistry()
    registry.register(collector)
    return text_of(registry)


def text_of(registry: CollectorRegistry) -> list[str]:
    return sorted(line for line in generate_latest(registry).decode().splitlines() if "_created" not in line)


@given(st.lists(NOTED, max_size=30))
def test_counts_and_buckets_are_written_as_prometheus_writes_its_own(noted: list[tuple[str, int, float]]) -> None:
    theirs = CollectorRegistry()
    count = Counter("asked", "how often", ["call", "status"], registry=theirs)
    took = Histogram("took_seconds", "how long", ["call"], buckets=BOUNDS, registry=theirs)
    answers = Answers(
        counter("asked", "how often", "call", "status"), histogram("took_seconds", "how long", "call", bounds=BOUNDS)
    )
    for call, status, seconds in noted:
        count.labels(call, str(status)).inc()
        took.labels(call).observe(seconds)
        answers.note(call, status, seconds)
    ours = [shown(one.family, {(): one.rows()}) for one in (answers.counts, answers.seconds)]
    assert lines(Shown(*ours)) == text_of(theirs)


@given(st.lists(SECONDS), st.lists(SECONDS))
def test_two_histograms_add_up_to_that_of_all_observations(some: list[float], others: list[float]) -> None:
    left, right, both = Spread(BOUNDS), Spread(BOUNDS), Spread(BOUNDS)
    for seconds in some:
        left.observe(seconds)
    for seconds in others:
        right.observe(seconds)
    for seconds in (*some, *others):
        both.observe(seconds)
    left.add(right.counts, right.total)
    assert list(left.cumulative()) == list(both.cumulative())
    assert abs(left.total - both.total) < 1e-9


def test_what_another_version_tells_differently_is_left_out_and_the_rest_is_shown() -> None:
    took, stands = histogram("took_seconds", "how long", bounds=BOUNDS), gauge("stands", "where", "state")
    telling, spread = Telling(), Spread((1.0, 2.0))
    telling.spread(took, spread)
    telling.number(stands, 3, "hot")
    telling.told["stands"].append([[], 4])
    told = canonical.unpack(canonical.pack(telling.told))
    text = lines(Shown(
        shown(took, {("7",): told["took_seconds"]}, ("shard",)), shown(stands, {("7",): told["stands"]}, ("shard",))
    ))
    assert [line for line in text if not line.startswith("#")] == ['stands{shard="7",state="hot"} 3.0']
