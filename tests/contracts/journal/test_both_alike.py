"""Whatever is done to them, the journals answer alike: PostgreSQL's is held against SQLite's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.journal.interface import Base, Checkpoint, FlushBatch, IndexEntry, Journal, StoredProfile
from models import limits
from models.errors import KairosError

CUSTOMERS = [bytes([letter]) * 16 for letter in b"abc"]
KEYS = [b"k" * 16, b"l" * 16]
customers = st.sampled_from(CUSTOMERS)
seqs = st.integers(0, 12)
times = st.integers(0, 4 * limits.KEY_PERIOD_MS)
profiles = st.builds(
    StoredProfile, customer=customers, seq=seqs, generation=st.integers(1, 3), sealed=st.binary(max_size=20),
    due_ms=st.integers(0, 5),
)
entries = st.builds(
    IndexEntry, customer=customers, key=st.sampled_from(KEYS), seq=seqs, at_ms=times,
    fingerprint=st.just(b"f" * 16), hint=st.binary(max_size=4),
)
lists = st.lists(st.integers(1, 12), min_size=1, max_size=4, unique=True).map(sorted)
batches = st.builds(
    FlushBatch, profiles=st.lists(profiles, max_size=4), keys=st.lists(entries, max_size=4),
    touched=st.dictionaries(customers, lists, max_size=3).map(lambda found: list(found.items())),
    erased=st.lists(customers, max_size=2, unique=True),
)
bases = st.none() | st.builds(
    Base, seq=seqs, at_ms=times, state=st.binary(max_size=8), profiles=st.lists(profiles, max_size=3),
    erased=st.lists(customers, max_size=2, unique=True),
)
steps = st.one_of(
    st.tuples(st.just("append"), st.binary(min_size=16, max_size=16), st.binary(max_size=3_000), times),
    st.tuples(st.just("flush"), batches),
    st.tuples(st.just("complete_checkpoint"), st.builds(Checkpoint, seq=seqs, at_ms=times, state=st.binary(max_size=9)),
              st.sampled_from([0, limits.HOUR_MS])),
    st.tuples(st.just("truncate"), seqs, bases),
    st.tuples(st.just("drop_keys"), times, st.integers(1, 3)),
    st.tuples(st.just("take_over"), st.just("again"), st.integers(0, 2)),
)


def done(journal: Journal, step: tuple[Any, ...]) -> object:
    """What the step gave, or how it failed."""
    name, *arguments = step
    try:
        return getattr(journal, name)(*arguments)
    except KairosError as error:
        return type(error)


def told(journal: Journal) -> list[object]:
    """Everything that can be asked."""
    pairs = [(customer, key) for customer in CUSTOMERS for key in KEYS]
    return [
        journal.epoch, journal.last_seq, journal.newest_seq(), journal.incarnation(), journal.oldest_seq(),
        list(journal.rows(0)), list(journal.rows(2, 3)), journal.row(3), journal.base(),
        [journal.checkpoint(bound) for bound in (None, 0, 3, 7)],
        sorted(journal.load_profiles(CUSTOMERS).items()), sorted(journal.base_profiles(CUSTOMERS).items()),
        journal.base_page(b"", 2), journal.base_page(CUSTOMERS[0], 9), sorted(journal.load_keys(pairs).items()),
        journal.due(3, 2), journal.due(9, 9),
        [journal.rows_of(customer, before, limit, after)
         for customer in CUSTOMERS for before in (None, 5) for limit in (2, 9) for after in (0, 3)],
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(steps, max_size=14))
def test_both_stores_do_and_answer_the_same(
    make_sqlite: Callable[[], Journal], make_postgresql: Callable[[], Journal], history: list[tuple[Any, ...]]
) -> None:
    """One journal of each through all examples: what an earlier one left is there for the next."""
    pair = make_sqlite(), make_postgresql()
    incarnation = max(journal.incarnation() for journal in pair)
    for step in [("take_over", "owner", incarnation), *history]:
        sqlite, postgresql = (done(journal, step) for journal in pair)
        assert postgresql == sqlite, step
    assert told(pair[1]) == told(pair[0])
