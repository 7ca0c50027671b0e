"""The memory bound, the tiers, and what may never leave before it is stored."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.shard.due import DueHeap
from actors.shard.residency import Residency
from models.profile.state import Profile

NAMES = st.sampled_from([bytes([letter]) * 16 for letter in b"abcdefgh"])
ACTIONS = st.one_of(
    st.tuples(st.just("change"), NAMES), st.tuples(st.just("erase"), NAMES), st.tuples(st.just("read"), NAMES),
    st.tuples(st.just("flush"), NAMES), st.tuples(st.just("shrink"), NAMES),
)


class Store:
    """What a store would have, beside the residency under test."""

    def __init__(self, residency: Residency) -> None:
        self.residency = residency
        self.stored: dict[bytes, object] = {}
        self.version: dict[bytes, int] = {}
        self.seq = 0

    def load(self, name: bytes) -> int:
        if self.residency.missing([name]) and name in self.stored:
            self.residency.admit(self.stored[name])  # type: ignore[arg-type]
        profile = self.residency.take([name])[name]
        return profile.state_version if profile else 0

    def change(self, name: bytes) -> None:
        version = self.load(name) + 1
        self.seq += 1
        self.version[name] = version
        self.residency.settle(name, Profile(name.decode(), version), self.seq)

    def erase(self, name: bytes) -> None:
        self.seq += 1
        self.version[name] = 0
        self.residency.settle(name, None, self.seq)

    def flush(self, names: list[bytes]) -> None:
        profiles, erased = self.residency.to_flush(names)
        for plain in profiles:
            self.stored[plain.customer] = plain
        for name, _ in erased:
            self.stored.pop(name, None)
        self.residency.flushed(profiles, erased)

    def shrink(self) -> None:
        while waiting := self.residency.shrink(2):
            self.flush(waiting)


@given(st.lists(ACTIONS, max_size=60), st.integers(0, 40_000))
def test_nothing_is_forgotten_and_the_bound_holds_whatever_happens(
    actions: list[tuple[str, bytes]], bytes_max: int
) -> None:
    store = Store(Residency(bytes_max, hot_max=3))
    for kind, name in actions:
        if kind == "change":
            store.change(name)
        elif kind == "erase":
            store.erase(name)
        elif kind == "read":
            assert store.load(name) == store.version.get(name, 0)
        elif kind == "flush":
            store.flush([name])
        else:
            store.shrink()
            assert store.residency.bytes <= bytes_max
            assert store.residency.hot <= 3
        entries = store.residency._entries
        assert store.residency.bytes == sum(entry.bytes for entry in entries.values())
        assert set(store.residency.dirty()) == {name for name, entry in entries.items() if entry.dirty}
    for name, version in store.version.items():
        assert store.load(name) == version


def test_only_so_many_customers_rest_unpacked_however_much_memory_there_is() -> None:
    residency = Residency(1_000_000, hot_max=3)
    for number in range(8):
        residency.settle(bytes([number]), Profile("x", 1), number + 1)
    assert residency.shrink(2) == []
    assert (len(residency), residency.hot) == (8, 3)
    assert residency.take([b"\0"])[b"\0"] == Profile("x", 1)


def test_a_customer_that_changed_during_a_flush_stays_dirty() -> None:
    residency = Residency(1_000_000, 10)
    residency.settle(b"a", Profile("a", 1), 1)
    profiles, erased = residency.to_flush([b"a"])
    residency.settle(b"a", Profile("a", 2), 2)
    residency.flushed(profiles, erased)
    assert residency.dirty() == [b"a"]


def test_due_customers_come_in_due_order_and_stale_entries_are_skipped() -> None:
    residency = Residency(1_000_000, 10)
    heap = DueHeap(residency)
    for number, due_ms in enumerate((300, 100, 200)):
        name = bytes([number])
        residency.settle(name, Profile("x", 1), number + 1).due_ms = due_ms
        heap.note(name, due_ms)
    entry = residency.get(b"\1")
    assert entry is not None
    entry.due_ms = 250
    heap.note(b"\1", 250)
    assert heap.next_ms() == 200
    assert heap.pop(260, 10) == [(200, b"\2"), (250, b"\1")]
    assert heap.pop(299, 10) == []
    assert heap.pop(300, 10) == [(300, b"\0")]


def test_a_dirty_customer_knows_better_than_the_stored_index() -> None:
    residency = Residency(1_000_000, 10)
    residency.settle(b"moved", Profile("x", 1), 1).due_ms = 500
    residency.settle(b"still", Profile("x", 1), 2).due_ms = 80
    stored = [(50, b"moved"), (60, b"still"), (70, b"cold")]
    assert DueHeap(residency).fresh(stored, 100) == [(60, b"still"), (70, b"cold")]
