"""A window holds what it was told in its days, and nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.canonical import pack, unpack
from models.monitoring.rolling import REST, Key, RollingSums, added, of_scorer

DAYS = 3
told = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 9)), max_size=40
).map(lambda many: sorted(many, key=lambda one: one[0]))


def window(keys_max: int = 100, scorers_max: int = 8) -> RollingSums:
    return RollingSums(keys_max, DAYS, scorers_max)


def one(value: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([value], np.int64)


@given(told, st.integers(0, 5))
def test_a_window_forgets_exactly_what_left_it(many: list[tuple[int, str, str, int]], later: int) -> None:
    rolling = window()
    for day, scorer, action, value in many:
        rolling.forget(day)
        rolling.add(day, Key(scorer, action, "web"), one(value))
    today = (many[-1][0] if many else 0) + later
    rolling.forget(today)
    expected: dict[Key, int] = {}
    for day, scorer, action, value in many:
        if day > today - DAYS:
            key = Key(scorer, action, "web")
            expected[key] = expected.get(key, 0) + value
    assert {key: int(sums[0]) for key, sums in rolling.total().items()} == expected


@given(st.lists(st.dictionaries(st.sampled_from([Key("a", k, "w") for k in "xyz"]), st.integers(0, 9).map(one)),
                max_size=5), st.randoms())
def test_parts_add_up_to_the_same_in_any_order_and_grouping(parts: list[dict[Key, np.ndarray]], random: object) -> None:
    shuffled = list(parts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    whole, other = added(parts), added([added(shuffled[:2]), added(shuffled[2:])])
    assert {k: int(v[0]) for k, v in whole.items()} == {k: int(v[0]) for k, v in other.items()}


@given(told)
def test_however_many_keys_come_no_label_is_lost_and_no_more_keys_are_held(
    many: list[tuple[int, str, str, int]],
) -> None:
    rolling = window(keys_max=2)
    for _, scorer, action, value in many:
        assert rolling.add(0, Key(scorer, action, "web"), one(value))
    total = rolling.total()
    for scorer in "ab":
        own = of_scorer(total, scorer)
        assert (0 if own is None else int(own[0])) == sum(v for _, s, _, v in many if s == scorer)
        assert sum(key.scorer == scorer for key in total) <= 2


def test_what_is_beyond_the_bound_goes_together_and_gets_a_place_when_one_is_free() -> None:
    rolling = window(keys_max=2)
    for action in "xyz":
        rolling.add(0, Key("a", action, "web"), one(1))
    assert set(rolling.total()) == {Key("a", "x", "web"), Key("a", REST, REST)}
    rolling.forget(DAYS)
    rolling.add(DAYS, Key("a", "z", "web"), one(1))
    assert set(rolling.total()) == {Key("a", "z", "web")}


def test_a_scorer_beyond_the_bound_is_refused_until_another_has_left() -> None:
    rolling = window(scorers_max=1)
    assert rolling.add(0, Key("a", "x", "web"), one(1))
    assert not rolling.add(0, Key("b", "x", "web"), one(1))
    rolling.forget(DAYS)
    assert rolling.add(DAYS, Key("b", "x", "web"), one(1))


def test_what_was_added_is_not_changed_by_what_follows() -> None:
    rolling, first = window(), one(1)
    rolling.add(0, Key("a", "x", "web"), first)
    rolling.add(0, Key("a", "x", "web"), one(5))
    assert first[0] == 1


def test_a_window_comes_back_from_its_wire_day_by_day() -> None:
    rolling, again = window(), window()
    for day in range(2):
        rolling.add(day, Key("a", "x", "web"), one(day + 1))
    again.fill(unpack(pack(rolling.to_wire())))
    assert int(again.total()["a", "x", "web"][0]) == 3
    again.forget(DAYS)
    assert int(again.total()["a", "x", "web"][0]) == 2
