"""The arithmetic of holds against an adversary who confirms every open hold at the worst instant."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from models.arbitration.holds import Span, most_in_a_window, next_free_ms


def span(first: int, last: int, open_: bool) -> Span:
    return Span(first, last, "a", "g", "i", "web", "inbound", "t", "p", open_)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    first = draw(st.integers(0, 12))
    return span(first, first + draw(st.integers(0, 4)), draw(st.booleans()))


def worst(held: list[Span], window: int, first: int, last: int) -> int:
    """Contacts beside the new one in one window, when an adversary picks every instant."""
    most = 0
    for new in range(first, last + 1):
        for instants in product(*(range(one.first_ms, one.last_ms + 1) for one in held)):
            for begin in range(new - window + 1, new + 1):
                most = max(most, sum(begin <= at < begin + window for at in instants))
    return most


@given(st.lists(spans(), max_size=4), st.integers(1, 6), st.integers(0, 14), st.integers(0, 4))
def test_the_fullest_window_is_the_one_that_an_adversary_finds(
    held: list[Span], window: int, first: int, length: int
) -> None:
    assert most_in_a_window(held, window, first, first + length) == worst(held, window, first, first + length)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=5), st.integers(1, 8), st.integers(1, 3), st.integers(1, 4))
def test_next_free_is_the_first_instant_at_which_a_hold_fits(
    contacts: list[int], window: int, limit: int, length: int
) -> None:
    held = [span(at, at, False) for at in contacts]
    now = max(contacts)
    if most_in_a_window(held, window, now, now + length - 1) < limit:
        return
    free = next_free_ms(held, window, limit, now, length)
    assert most_in_a_window(held, window, free, free + length - 1) < limit
    for earlier in range(now, free):
        assert most_in_a_window(held, window, earlier, earlier + length - 1) >= limit


def test_an_open_hold_is_free_again_when_it_ends_unconfirmed() -> None:
    assert next_free_ms([span(0, 9, True)], 100, 1, now_ms=5, length_ms=10) == 10


def test_exactly_one_window_later_is_free_and_one_millisecond_earlier_is_not() -> None:
    confirmed = [span(1_000, 1_000, False)]
    assert most_in_a_window(confirmed, 500, 1_500, 1_600) == 0
    assert most_in_a_window(confirmed, 500, 1_499, 1_600) == 1
