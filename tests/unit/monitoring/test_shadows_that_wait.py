"""Shadow scores wait for labels in bounded memory, and stay a fair sample."""

from __future__ import annotations

from models import limits
from models.monitoring.shadows import WaitingShadows

MOST = 100


def test_scores_of_several_shadows_are_taken_together_and_once() -> None:
    waiting = WaitingShadows(MOST)
    waiting.put("d", "one", {"a": 0.5, "b": 0.25}, 0)
    waiting.put("d", "two", {"a": 0.75}, 0)
    assert waiting.take("d", "a") == {"one": 0.5, "two": 0.75}
    assert waiting.take("d", "a") == {}
    assert waiting.take("d", "b") == {"one": 0.25}


def test_no_more_than_the_bound_wait_and_old_ones_have_the_chance_of_new_ones() -> None:
    waiting = WaitingShadows(MOST)
    for number in range(40 * MOST):
        waiting.put(f"d-{number}", "one", {"a": 0.5}, 0)
        assert len(waiting) <= MOST
    kept = [number for number in range(40 * MOST) if waiting.take(f"d-{number}", "a")]
    assert len(kept) > MOST // 2
    old = sum(number < 20 * MOST for number in kept)
    assert 0.25 < old / len(kept) < 0.75


def test_a_label_that_comes_late_still_finds_what_was_kept_of_a_busy_time() -> None:
    waiting = WaitingShadows(MOST)
    first = [f"first-{number}" for number in range(MOST)]
    for decision in first:
        waiting.put(decision, "one", {"a": 0.5}, 0)
    for number in range(3 * MOST):
        waiting.put(f"d-{number}", "one", {"a": 0.5}, 0)
    assert any(waiting.take(decision, "a") for decision in first)


def test_what_never_got_a_label_makes_room_when_it_is_too_old() -> None:
    waiting = WaitingShadows(MOST)
    for number in range(10 * MOST):
        waiting.put(f"d-{number}", "one", {"a": 0.5}, 0)
    later_ms = limits.MONITOR_SHADOWED_MS + 1
    for number in range(2 * MOST):
        waiting.put(f"later-{number}", "one", {"a": 0.5}, later_ms)
    for number in range(10 * MOST, 40 * MOST):
        waiting.put(f"later-{number}", "one", {"a": 0.5}, later_ms)
    assert not any(waiting.take(f"d-{number}", "a") for number in range(10 * MOST))
    assert sum(bool(waiting.take(f"later-{number}", "a")) for number in range(40 * MOST)) > MOST // 2


def test_after_a_busy_time_everything_is_kept_again() -> None:
    waiting = WaitingShadows(MOST)
    for number in range(40 * MOST):
        waiting.put(f"d-{number}", "one", {"a": 0.5}, 0)
    for number in range(40 * MOST):
        waiting.take(f"d-{number}", "a")
    for number in range(MOST // 2):
        waiting.put(f"quiet-{number}", "one", {"a": 0.5}, 0)
    assert sum(bool(waiting.take(f"quiet-{number}", "a")) for number in range(MOST // 2)) > MOST // 2 - 10
