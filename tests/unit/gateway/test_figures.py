"""The gateway's own figures read exactly as Prometheus's own would."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from actors.gateway.figures import Answers

BOUNDS = (0.0005, 0.02, 1.0, 10.0)
NOTED = st.tuples(
    st.sampled_from(["decisions", 'odd "call"']), st.sampled_from([200, 503]),
    st.sampled_from([0.0, 0.0004, 0.0005, 0.02, 0.5, 9.0, 10.0, 11.5]),
)


def lines(registry: CollectorRegistry) -> list[str]:
    return sorted(line for line in generate_latest(registry).decode().splitlines() if "_created" not in line)


@given(st.lists(NOTED, max_size=30))
def test_counts_and_buckets_are_written_as_prometheus_writes_its_own(noted: list[tuple[str, int, float]]) -> None:
    theirs, ours = CollectorRegistry(), CollectorRegistry()
    counter = Counter("asked", "how often", ["call", "status"], registry=theirs)
    histogram = Histogram("took_seconds", "how long", ["call"], buckets=BOUNDS, registry=theirs)
    answers = Answers("asked", "how often", "took_seconds", "how long", BOUNDS)
    ours.register(answers)
    for call, status, seconds in noted:
        counter.labels(call, str(status)).inc()
        histogram.labels(call).observe(seconds)
        answers.note(call, status, seconds)
    assert lines(ours) == lines(theirs)
